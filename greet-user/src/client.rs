// SPDX-License-Identifier: MIT OR Apache-2.0
//! The netlink client: sends greetings and validates every reply. Needs no privileges.
//!
//! neli creates, binds and closes the socket, and encodes and sends the message; tokio waits. Two
//! things that neli 0.7 cannot do are done here: [`ClientSocket::receive`] (neli drops the sender's
//! address) and `encode` (neli counts padding as payload).

mod error;
mod socket;

use std::{io::Cursor, time::Duration};

use greet_common::wire::{
    HEADER_SIZE, Header, NETLINK_TEST_PROTOCOL, NLM_F_ACK, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR,
    NLMSG_GREET,
};
use neli::{
    ToBytes as _,
    consts::nl::NlmF,
    nl::{NlPayload, NlmsghdrBuilder},
    types::Buffer,
};

pub use error::ClientError;
pub use socket::{ClientSocket, Received};

use greet_trace::clock::monotonic_ns;
pub use greet_trace::greeting::{Answer, Sent};

/// The header fields of a message other than its length and sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: u16,
    /// `nlmsg_pid`; `None` for the socket's port ID.
    pub portid: Option<u32>,
}

impl Heading {
    /// The header of a greeting, with or without a request for a reply.
    #[must_use]
    pub const fn greeting(acknowledge: bool) -> Self {
        Self {
            kind: NLMSG_GREET,
            flags: NLM_F_REQUEST | if acknowledge { NLM_F_ACK } else { 0 },
            portid: None,
        }
    }
}

/// Sends a message to the kernel: the only way to send, for any payload, type and flags. Returns
/// the sequence number used and the time just before the message was sent.
///
/// # Errors
/// [`ClientError`] if the kernel does not accept the message.
pub async fn send_netlink_message_to_kernel(
    socket: &mut ClientSocket,
    payload: &[u8],
    message_type: u16,
    flags: u16,
) -> Result<Sent, ClientError> {
    let heading = Heading {
        kind: message_type,
        flags,
        portid: None,
    };
    send(socket, payload, heading).await
}

async fn send(
    socket: &mut ClientSocket,
    payload: &[u8],
    heading: Heading,
) -> Result<Sent, ClientError> {
    let seq = socket.next_seq();
    let portid = heading.portid.unwrap_or(socket.portid());
    let message = encode(payload, heading.kind, heading.flags, seq, portid)?;
    let time_ns = socket.send(&message, payload.len()).await?;
    Ok(Sent {
        seq,
        time_ns,
        len: message.len(),
    })
}

/// Sends a greeting: the text and a terminating NUL.
///
/// # Errors
/// [`ClientError`] if the kernel does not accept the message.
pub async fn greet(
    socket: &mut ClientSocket,
    text: &str,
    acknowledge: bool,
) -> Result<Sent, ClientError> {
    greet_as(socket, text, Heading::greeting(acknowledge)).await
}

/// Sends a greeting with a given header.
///
/// # Errors
/// [`ClientError`] if the kernel does not accept the message.
pub async fn greet_as(
    socket: &mut ClientSocket,
    text: &str,
    heading: Heading,
) -> Result<Sent, ClientError> {
    let mut payload = text.as_bytes().to_vec();
    payload.push(0);
    send(socket, &payload, heading).await
}

/// Waits for the next datagram and checks that it is the reply to `sent`.
///
/// The timeout starts when the message is sent: the kernel's handler runs inside `sendmsg()`, so a
/// reply can be late even if it is already queued when `sendmsg()` returns.
///
/// # Errors
/// [`ClientError::TooLate`] after `timeout`. If [`ClientError::is_rejection`] holds, a datagram
/// other than the reply arrived, and the reply may still follow.
pub async fn receive_answer(
    socket: &ClientSocket,
    sent: &Sent,
    timeout: Duration,
) -> Result<Answer, ClientError> {
    let since_sent = |time_ns: u64| Duration::from_nanos(time_ns.saturating_sub(sent.time_ns));
    let too_late = || ClientError::TooLate {
        seq: sent.seq,
        waited: timeout,
    };
    let rest = timeout.saturating_sub(since_sent(monotonic_ns()));
    let datagram = tokio::time::timeout(rest, socket.receive())
        .await
        .map_err(|_| too_late())??;
    let answer = check(&datagram, sent)?;
    if since_sent(answer.time_ns) > timeout {
        return Err(too_late());
    }
    Ok(answer)
}

/// Validates a datagram: from the kernel, complete, addressed to us, and of the right type.
fn check(datagram: &Received, sent: &Sent) -> Result<Answer, ClientError> {
    if datagram.sender_portid != 0 {
        return Err(ClientError::OtherPort {
            portid: datagram.sender_portid,
        });
    }
    let (header, payload) = Header::split(&datagram.bytes)?;
    // Many modules do not copy the sequence number, and we never use 0.
    if header.seq != sent.seq && header.seq != 0 {
        return Err(ClientError::OtherSequenceNumber {
            expected: sent.seq,
            found: header.seq,
        });
    }
    let answer = || Answer {
        header,
        payload: payload.to_vec(),
        time_ns: datagram.time_ns,
    };
    match header.kind {
        NLMSG_DONE => Ok(answer()),
        NLMSG_ERROR => match payload.first_chunk().map(|code| i32::from_ne_bytes(*code)) {
            // An ACK, as sent by modules that call netlink_rcv_skb().
            Some(0) => Ok(answer()),
            errno => Err(ClientError::Refused {
                errno: errno.unwrap_or(0),
            }),
        },
        kind => Err(ClientError::OtherType { kind }),
    }
}

/// Encodes a message.
///
/// neli rounds the length in the header up to a multiple of four, so a payload of five bytes would
/// arrive as eight. This corrects the length and cuts off the padding.
fn encode(
    payload: &[u8],
    message_type: u16,
    flags: u16,
    seq: u32,
    portid: u32,
) -> Result<Vec<u8>, ClientError> {
    let len = HEADER_SIZE + payload.len();
    let stated = u32::try_from(len).map_err(|_| ClientError::encoding("longer than 4 GiB"))?;
    let message = NlmsghdrBuilder::default()
        .nl_type(message_type)
        .nl_flags(NlmF::from_bits_retain(flags))
        .nl_seq(seq)
        .nl_pid(portid)
        .nl_payload(NlPayload::Payload(Buffer::from(payload)))
        .build()
        .map_err(ClientError::encoding)?;
    let mut bytes = Cursor::new(Vec::with_capacity(len));
    message
        .to_bytes(&mut bytes)
        .map_err(ClientError::encoding)?;
    let mut bytes = bytes.into_inner();
    bytes.truncate(len);
    match bytes.first_chunk_mut() {
        Some(field) => *field = stated.to_ne_bytes(),
        None => return Err(ClientError::encoding("neli wrote no header")),
    }
    Ok(bytes)
}

/// Opens a socket to the module.
///
/// # Errors
/// [`ClientError::NoProtocol`] if the module is not loaded.
pub fn open() -> Result<ClientSocket, ClientError> {
    ClientSocket::open(NETLINK_TEST_PROTOCOL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Sent = Sent {
        seq: 7,
        time_ns: 0,
        len: 36,
    };

    fn datagram(sender_portid: u32, seq: u32, kind: u16, payload: &[u8]) -> Received {
        Received {
            sender_portid,
            bytes: encode(payload, kind, 0, seq, 0).expect("encodes"),
            time_ns: 5,
        }
    }

    #[test]
    fn any_payload_is_encoded_to_the_byte() {
        for len in 0..9 {
            let payload = vec![0xa5; len];
            let bytes = encode(&payload, 0xfffe, 0xffff, 9, 0x8000_0000).expect("encodes");
            let (header, found) = Header::split(&bytes).expect("whole");
            assert_eq!(bytes.len(), HEADER_SIZE + len);
            assert_eq!(header.len as usize, bytes.len());
            assert_eq!((header.kind, header.flags), (0xfffe, 0xffff));
            assert_eq!((header.seq, header.portid), (9, 0x8000_0000));
            assert_eq!(found, payload);
        }
    }

    #[test]
    fn the_right_answer_passes() {
        let answer = check(&datagram(0, 7, NLMSG_DONE, b"hi"), &SENT).expect("the answer");
        assert_eq!((answer.payload.as_slice(), answer.time_ns), (&b"hi"[..], 5));
        for other in [
            datagram(0, 0, NLMSG_DONE, b"hi"),
            datagram(0, 7, NLMSG_ERROR, &0_i32.to_ne_bytes()),
        ] {
            check(&other, &SENT).expect("the answer of a module of another make");
        }
    }

    #[test]
    fn each_wrong_answer_has_its_own_error() {
        let said = |datagram: Received| {
            let error = check(&datagram, &SENT).expect_err("must be rejected");
            assert!(error.is_rejection() || matches!(error, ClientError::Refused { .. }));
            error.to_string()
        };
        let mut short = datagram(0, 7, NLMSG_DONE, b"");
        short.bytes.truncate(15);
        let mut cut = datagram(0, 7, NLMSG_DONE, b"text");
        cut.bytes.truncate(18);
        insta::assert_snapshot!(
            [
                said(datagram(4711, 7, NLMSG_DONE, b"hi")),
                said(datagram(0, 8, NLMSG_DONE, b"hi")),
                said(datagram(0, 7, NLMSG_GREET, b"hi")),
                said(datagram(0, 7, NLMSG_ERROR, &(-22_i32).to_ne_bytes())),
                said(short),
                said(cut),
            ]
            .join("\n")
        );
    }
}
