// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages as bytes, valid and invalid.

use greet_common::wire::{ALIGN_TO, HEADER_SIZE, NLM_F_ACK, NLM_F_REQUEST, NLMSG_GREET};

/// The flags of a greeting.
pub const GREETING_FLAGS: u16 = NLM_F_REQUEST | NLM_F_ACK;

/// A message with an arbitrary header.
#[derive(Clone, Debug)]
pub struct Message {
    /// `nlmsg_len`, if it differs from the actual length.
    pub stated: Option<u32>,
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: u16,
    /// `nlmsg_seq`.
    pub seq: u32,
    /// `nlmsg_pid`.
    pub portid: u32,
    /// What follows the header.
    pub payload: Vec<u8>,
}

impl Message {
    /// A valid greeting.
    pub fn greeting(seq: u32, text: impl Into<Vec<u8>>) -> Self {
        Self {
            stated: None,
            kind: NLMSG_GREET,
            flags: GREETING_FLAGS,
            seq,
            portid: 0,
            payload: text.into(),
        }
    }

    /// The message's bytes, without padding.
    pub fn bytes(&self) -> Vec<u8> {
        let length =
            u32::try_from(HEADER_SIZE + self.payload.len()).expect("a message below 4 GiB");
        let mut bytes = Vec::with_capacity(HEADER_SIZE + self.payload.len());
        bytes.extend(self.stated.unwrap_or(length).to_ne_bytes());
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(self.flags.to_ne_bytes());
        bytes.extend(self.seq.to_ne_bytes());
        bytes.extend(self.portid.to_ne_bytes());
        bytes.extend(&self.payload);
        bytes
    }
}

/// Several messages in one datagram, each aligned.
pub fn datagram(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        bytes.resize(bytes.len().next_multiple_of(ALIGN_TO), 0);
        bytes.extend(message.bytes());
    }
    bytes
}
