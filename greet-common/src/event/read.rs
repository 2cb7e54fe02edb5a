// SPDX-License-Identifier: MIT OR Apache-2.0
//! The only place where bytes become a record: every one is checked.

use core::{fmt, mem::offset_of};

use super::{
    CAPTURE, COMM_SIZE, Close, DatagramRecord, Delivery, EXTACK_SIZE, Extack, Head, Loss, Message,
    REQUEST_HEAD, REQUEST_ROOMS, REST_SIZES, RecordKind, Request, RestHead, RoundTrip,
};

/// A record, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A `sendmsg()` has ended.
    Request(Request),
    /// A message was queued.
    Message(Message),
    /// A message was taken out.
    Delivery(Delivery),
    /// A message was lost.
    Loss(Loss),
    /// The kernel gave its reason for refusing.
    Extack(Extack),
    /// A request got its reply, and the reply was read.
    RoundTrip(RoundTrip),
    /// A socket was closed.
    Close(Close),
    /// More of a datagram whose record follows.
    Continuation(RestHead, &'a [u8]),
}

/// Why bytes from the ring buffer are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The record's size is not the one its kind has.
    WrongSize {
        /// Bytes needed.
        expected: usize,
        /// Bytes present.
        bytes: usize,
    },
    /// No record is of this kind.
    UnknownKind(u32),
    /// More bytes captured than a record or the datagram has.
    WrongCapture {
        /// Bytes captured, as the record says.
        captured: u32,
        /// Length of the datagram, as the record says.
        len: u32,
    },
}

/// Bytes whose number has been checked.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Takes exactly `expected` bytes.
    fn exactly(bytes: &'a [u8], expected: usize) -> Result<Self, RecordError> {
        if bytes.len() == expected {
            Ok(Self(bytes))
        } else {
            Err(RecordError::WrongSize {
                expected,
                bytes: bytes.len(),
            })
        }
    }

    fn at<const N: usize>(self, offset: usize) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.0[offset..offset + N]);
        field
    }

    fn u32(self, offset: usize) -> u32 {
        u32::from_ne_bytes(self.at(offset))
    }

    fn i32(self, offset: usize) -> i32 {
        i32::from_ne_bytes(self.at(offset))
    }

    fn u64(self, offset: usize) -> u64 {
        u64::from_ne_bytes(self.at(offset))
    }

    /// The head: each record begins with one.
    fn head(self) -> Head {
        Head {
            kind: self.u32(offset_of!(Head, kind)),
            protocol: self.u32(offset_of!(Head, protocol)),
            call: self.u64(offset_of!(Head, call)),
            pid: self.u32(offset_of!(Head, pid)),
            tid: self.u32(offset_of!(Head, tid)),
            comm: self.at::<COMM_SIZE>(offset_of!(Head, comm)),
            sock: self.u64(offset_of!(Head, sock)),
        }
    }

    /// The datagram that begins at `offset`. Past the captured bytes is stale ring buffer memory:
    /// it is not copied.
    fn datagram(self, offset: usize) -> Result<DatagramRecord, RecordError> {
        let at = |field| offset + field;
        let (len, captured, rest) = (
            self.u32(at(offset_of!(DatagramRecord, len))),
            self.u32(at(offset_of!(DatagramRecord, captured))),
            self.u32(at(offset_of!(DatagramRecord, rest))),
        );
        let wrong = RecordError::WrongCapture { captured, len };
        let count = captured as usize;
        let in_all = captured.checked_add(rest).ok_or(wrong)?;
        if count > CAPTURE || in_all > len || (rest > 0 && count != CAPTURE) {
            return Err(wrong);
        }
        let from = at(offset_of!(DatagramRecord, data));
        let bytes = self.0.get(from..from + count).ok_or(wrong)?;
        let mut data = [0; CAPTURE];
        data[..count].copy_from_slice(bytes);
        Ok(DatagramRecord {
            netns: self.u32(at(offset_of!(DatagramRecord, netns))),
            portid: self.u32(at(offset_of!(DatagramRecord, portid))),
            peer_portid: self.u32(at(offset_of!(DatagramRecord, peer_portid))),
            group: self.u32(at(offset_of!(DatagramRecord, group))),
            len,
            captured,
            rest,
            mark: self.u32(at(offset_of!(DatagramRecord, mark))),
            data,
        })
    }
}

impl TryFrom<&[u8]> for Request {
    type Error = RecordError;

    /// A request's record has one of a few sizes, depending on the number of captured bytes.
    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        const DATAGRAM: usize = offset_of!(Request, datagram);
        let head = Bytes::exactly(&bytes[..bytes.len().min(REQUEST_HEAD)], REQUEST_HEAD)?;
        let captured = head.u32(DATAGRAM + offset_of!(DatagramRecord, captured)) as usize;
        let room = REQUEST_ROOMS.into_iter().find(|room| captured <= *room);
        let record = Bytes::exactly(bytes, REQUEST_HEAD + room.unwrap_or(CAPTURE))?;
        // If this call made no datagram and its end did not say what it would have been, the slot
        // still holds an earlier call's.
        let nothing_crossed = record.u64(offset_of!(Self, cross_ns)) == 0
            && record.u32(DATAGRAM + offset_of!(DatagramRecord, netns)) == 0;
        Ok(Self {
            head: record.head(),
            send_ns: record.u64(offset_of!(Self, send_ns)),
            cross_ns: record.u64(offset_of!(Self, cross_ns)),
            handle_ns: record.u64(offset_of!(Self, handle_ns)),
            handled_ns: record.u64(offset_of!(Self, handled_ns)),
            sent_ns: record.u64(offset_of!(Self, sent_ns)),
            result: record.i32(offset_of!(Self, result)),
            unqueued: record.u32(offset_of!(Self, unqueued)),
            datagram: if nothing_crossed && captured == 0 {
                DatagramRecord::NONE
            } else {
                record.datagram(DATAGRAM)?
            },
        })
    }
}

impl DatagramRecord {
    /// No datagram at all.
    pub const NONE: Self = Self {
        netns: 0,
        portid: 0,
        peer_portid: 0,
        group: 0,
        len: 0,
        captured: 0,
        rest: 0,
        mark: 0,
        data: [0; CAPTURE],
    };

    /// The captured bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.data.get(..self.captured as usize).unwrap_or_default()
    }
}

impl TryFrom<&[u8]> for Message {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = Bytes::exactly(bytes, size_of::<Self>())?;
        Ok(Self {
            head: record.head(),
            skb: record.u64(offset_of!(Self, skb)),
            reply_ns: record.u64(offset_of!(Self, reply_ns)),
            queue_ns: record.u64(offset_of!(Self, queue_ns)),
            datagram: record.datagram(offset_of!(Self, datagram))?,
        })
    }
}

impl TryFrom<&[u8]> for Delivery {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = Bytes::exactly(bytes, size_of::<Self>())?;
        Ok(Self {
            head: record.head(),
            skb: record.u64(offset_of!(Self, skb)),
            receive_ns: record.u64(offset_of!(Self, receive_ns)),
            delivered_ns: record.u64(offset_of!(Self, delivered_ns)),
            result: record.i32(offset_of!(Self, result)),
            flags: record.u32(offset_of!(Self, flags)),
            copied: record.u32(offset_of!(Self, copied)),
            padding: 0,
        })
    }
}

impl TryFrom<&[u8]> for RoundTrip {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = Bytes::exactly(bytes, size_of::<Self>())?;
        Ok(Self {
            head: record.head(),
            send_ns: record.u64(offset_of!(Self, send_ns)),
            cross_ns: record.u64(offset_of!(Self, cross_ns)),
            handle_ns: record.u64(offset_of!(Self, handle_ns)),
            handled_ns: record.u64(offset_of!(Self, handled_ns)),
            sent_ns: record.u64(offset_of!(Self, sent_ns)),
            reply_ns: record.u64(offset_of!(Self, reply_ns)),
            queue_ns: record.u64(offset_of!(Self, queue_ns)),
            receive_ns: record.u64(offset_of!(Self, receive_ns)),
            delivered_ns: record.u64(offset_of!(Self, delivered_ns)),
            skb: record.u64(offset_of!(Self, skb)),
            result: record.i32(offset_of!(Self, result)),
            receive_result: record.i32(offset_of!(Self, receive_result)),
            netns: record.u32(offset_of!(Self, netns)),
            portid: record.u32(offset_of!(Self, portid)),
            len: record.u32(offset_of!(Self, len)),
            reply_len: record.u32(offset_of!(Self, reply_len)),
            flags: record.u32(offset_of!(Self, flags)),
            copied: record.u32(offset_of!(Self, copied)),
        })
    }
}

impl TryFrom<&[u8]> for Loss {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = Bytes::exactly(bytes, size_of::<Self>())?;
        Ok(Self {
            head: record.head(),
            time_ns: record.u64(offset_of!(Self, time_ns)),
            netns: record.u32(offset_of!(Self, netns)),
            portid: record.u32(offset_of!(Self, portid)),
            result: record.i32(offset_of!(Self, result)),
            overrun: record.u32(offset_of!(Self, overrun)),
            inode: record.u64(offset_of!(Self, inode)),
        })
    }
}

impl TryFrom<&[u8]> for Extack {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = Bytes::exactly(bytes, size_of::<Self>())?;
        let mut text: [u8; EXTACK_SIZE] = record.at(offset_of!(Self, text));
        let end = text.iter().position(|byte| *byte == 0);
        // What follows the NUL is stale ring buffer memory.
        text[end.unwrap_or(EXTACK_SIZE)..].fill(0);
        Ok(Self {
            head: record.head(),
            time_ns: record.u64(offset_of!(Self, time_ns)),
            text,
        })
    }
}

impl TryFrom<&[u8]> for Close {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = Bytes::exactly(bytes, size_of::<Self>())?;
        Ok(Self {
            head: record.head(),
            time_ns: record.u64(offset_of!(Self, time_ns)),
        })
    }
}

/// Reads a [`super::Continuation`]: its size must be one of [`REST_SIZES`].
fn rest(bytes: &[u8]) -> Result<(RestHead, &[u8]), RecordError> {
    const DATA: usize = size_of::<RestHead>();
    let wrong = RecordError::WrongSize {
        expected: DATA,
        bytes: bytes.len(),
    };
    let head = Bytes::exactly(&bytes[..bytes.len().min(DATA)], DATA)?;
    let head = RestHead {
        kind: head.u32(offset_of!(RestHead, kind)),
        len: head.u32(offset_of!(RestHead, len)),
        sock: head.u64(offset_of!(RestHead, sock)),
        id: head.u64(offset_of!(RestHead, id)),
    };
    let data = &bytes[DATA..];
    if !REST_SIZES.contains(&data.len()) {
        return Err(wrong);
    }
    let data = data.get(..head.len as usize);
    Ok((head, data.ok_or(wrong)?))
}

impl<'a> TryFrom<&'a [u8]> for Record<'a> {
    type Error = RecordError;

    fn try_from(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let number: [u8; 4] = *bytes.first_chunk().ok_or(RecordError::WrongSize {
            expected: size_of::<Head>(),
            bytes: bytes.len(),
        })?;
        let kind = u32::from_ne_bytes(number);
        match RecordKind::try_from(kind)? {
            RecordKind::Request => Request::try_from(bytes).map(Self::Request),
            RecordKind::Message => Message::try_from(bytes).map(Self::Message),
            RecordKind::Delivery => Delivery::try_from(bytes).map(Self::Delivery),
            RecordKind::Loss => Loss::try_from(bytes).map(Self::Loss),
            RecordKind::Extack => Extack::try_from(bytes).map(Self::Extack),
            RecordKind::RoundTrip => RoundTrip::try_from(bytes).map(Self::RoundTrip),
            RecordKind::Close => Close::try_from(bytes).map(Self::Close),
            RecordKind::Continuation => {
                rest(bytes).map(|(head, data)| Self::Continuation(head, data))
            }
        }
    }
}

impl TryFrom<u32> for RecordKind {
    type Error = RecordError;

    fn try_from(number: u32) -> Result<Self, RecordError> {
        [
            Self::Request,
            Self::Message,
            Self::Delivery,
            Self::Loss,
            Self::Extack,
            Self::Continuation,
            Self::RoundTrip,
            Self::Close,
        ]
        .into_iter()
        .find(|kind| *kind as u32 == number)
        .ok_or(RecordError::UnknownKind(number))
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongSize { expected, bytes } => {
                write!(f, "a record of {bytes} bytes where {expected} are expected")
            }
            Self::UnknownKind(number) => write!(f, "a record of the unknown kind {number}"),
            Self::WrongCapture { captured, len } => {
                write!(f, "a record with {captured} captured bytes of {len}")
            }
        }
    }
}

impl core::error::Error for RecordError {}
