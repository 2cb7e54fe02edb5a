// SPDX-License-Identifier: MIT OR Apache-2.0
//! A client that trusts nothing: every reply is checked, byte for byte.

use std::io::{self, ErrorKind};

use greet_common::wire::{GREET_REPLY_SIZE, HEADER_SIZE, Header, NLMSG_DONE};

use crate::{
    model::{Fate, Tally, fates},
    report,
    sys::{RAW, Socket},
    wire::Message,
};

/// A socket and its port ID.
#[derive(Debug)]
pub struct Client {
    /// The socket.
    pub socket: Socket,
    /// The port ID that the kernel assigned.
    pub port: u32,
}

impl Client {
    /// Opens a raw socket.
    ///
    /// # Errors
    /// Those of `socket(2)`.
    pub fn try_open() -> io::Result<Self> {
        let socket = Socket::open(RAW)?;
        let port = socket.port();
        Ok(Self { socket, port })
    }

    /// Opens a raw socket, which must succeed.
    pub fn open() -> Self {
        Self::try_open().expect("the module is loaded")
    }

    /// Sends a datagram, receives all replies, and returns the expected counters.
    pub fn exchange(&self, datagram: &[u8]) -> Tally {
        let tally = self.send(datagram);
        for fate in fates(datagram) {
            if let Fate::Answer { seq } = fate {
                self.take_answer(seq);
            }
        }
        tally
    }

    /// Sends a datagram, and returns the expected counters if all replies get through.
    pub fn send(&self, datagram: &[u8]) -> Tally {
        self.socket.send(datagram).unwrap_or_else(|error| {
            panic!("sending {} bytes, {datagram:x?}: {error}", datagram.len())
        });
        let tally = Tally::of(&fates(datagram));
        report::sent(tally.received);
        tally
    }

    /// Sends a greeting and receives its reply.
    pub fn greet(&self, seq: u32) -> Tally {
        self.exchange(&Message::greeting(seq, "Hello, how are you?\0").bytes())
    }

    /// Takes the next reply from the queue, which must be the one to `seq`.
    pub fn take_answer(&self, seq: u32) {
        let mut bytes = [0xff; 512];
        match self.socket.receive(&mut bytes) {
            Ok((length, from)) => check_answer(&bytes[..length], from, self.port, seq),
            Err(error) => panic!("no answer to sequence number {seq}: {error}"),
        }
    }

    /// The socket's pending error, if any, must be `errno`.
    pub fn expect_error(&self, errno: i32) {
        let error = self
            .socket
            .receive(&mut [0; 512])
            .expect_err("an error, no datagram");
        assert_eq!(error.raw_os_error(), Some(errno), "{error}");
    }

    /// The queue must be empty.
    pub fn expect_silence(&self) {
        let nothing = self.socket.receive(&mut [0; 512]);
        let is_nothing = |error: &io::Error| error.kind() == ErrorKind::WouldBlock;
        assert!(nothing.as_ref().is_err_and(is_nothing), "{nothing:?}");
    }
}

/// The reply's format in DESIGN: one datagram, `NLMSG_DONE`, no flags, our sequence number, port 0,
/// 256 bytes of text, which names us, padded with zeros.
fn check_answer(bytes: &[u8], from: u32, port: u32, seq: u32) {
    assert_eq!(from, 0, "answers come from the kernel");
    assert_eq!(
        bytes.len(),
        HEADER_SIZE + GREET_REPLY_SIZE,
        "one answer in a datagram"
    );
    let (header, payload) = Header::split(bytes).expect("a sound message");
    let expected = Header {
        len: 272,
        kind: NLMSG_DONE,
        flags: 0,
        seq,
        portid: 0,
    };
    assert_eq!(header, expected);
    let end = payload
        .iter()
        .position(|&byte| byte == 0)
        .expect("text ends with a zero");
    let (text, padding) = payload.split_at(end);
    assert!(
        padding.iter().all(|&byte| byte == 0),
        "kernel memory in the padding"
    );
    let text = str::from_utf8(text).expect("the answer is text");
    let name = format!("Msg from process {port} has been processed by kernel");
    assert!(text.contains(&name), "{text:?} is not for port {port}");
}
