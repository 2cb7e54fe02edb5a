// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tracer saw, in user space's words.

use greet_common::{
    Stage,
    wire::{ALIGN_TO, HEADER_SIZE, Header},
};

mod names;
mod text;

pub use names::{flag_names, protocol_name, type_name};
pub use text::{escaped, printable};

/// One stamp: a function on a message's way was entered or left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Which stage.
    pub stage: Stage,
    /// Process ID of the running task.
    pub pid: u32,
    /// Thread ID of the running task.
    pub tid: u32,
    /// Tells messages apart; 0 where the hook cannot know it.
    pub skb: u64,
    /// What there is to know beyond that.
    pub detail: Detail,
}

/// What an event carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The function was entered with this message.
    Entered(Message),
    /// The function was left. It returned this, if it returns anything: bytes or a negative errno.
    Left(Option<i32>),
}

/// A datagram, as far as it was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Netlink protocol.
    pub protocol: u32,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Port ID of the sender, as the kernel has it.
    pub portid: u32,
    /// Port ID of the receiver.
    pub peer_portid: u32,
    /// Command name of the running task, as it is: any bytes but NUL.
    pub comm: Vec<u8>,
    /// Length of the whole datagram, in bytes.
    pub len: u32,
    /// Its first bytes.
    pub data: Vec<u8>,
}

/// Which way a message crosses the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a process to the kernel.
    UserToKernel,
    /// From the kernel to a process.
    KernelToUser,
    /// Between processes.
    UserToUser,
    /// From the kernel to itself: an answer to port 0.
    KernelToKernel,
}

impl Event {
    /// The message, if the event carries one.
    #[must_use]
    pub const fn message(&self) -> Option<&Message> {
        match &self.detail {
            Detail::Entered(message) => Some(message),
            Detail::Left(_) => None,
        }
    }

    /// What the function returned, if it was left and returns anything.
    #[must_use]
    pub const fn result(&self) -> Option<i32> {
        match self.detail {
            Detail::Left(result) => result,
            Detail::Entered(_) => None,
        }
    }
}

impl Message {
    /// Which way it crosses.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match (self.portid, self.peer_portid) {
            (0, 0) => Direction::KernelToKernel,
            (0, _) => Direction::KernelToUser,
            (_, 0) => Direction::UserToKernel,
            (_, _) => Direction::UserToUser,
        }
    }

    /// The header of the first message, if a whole one was captured.
    #[must_use]
    pub fn header(&self) -> Option<Header> {
        Header::parse(&self.data).ok()
    }

    /// The headers of all messages of the datagram, as far as they were captured.
    #[must_use]
    pub fn headers(&self) -> Vec<Header> {
        let mut headers = Vec::new();
        let mut rest = self.data.as_slice();
        while let Ok(header) = Header::parse(rest) {
            headers.push(header);
            let len = usize::try_from(header.len).unwrap_or(usize::MAX);
            let next = len.checked_next_multiple_of(ALIGN_TO).unwrap_or(usize::MAX);
            match rest.get(next..) {
                Some(behind) if len >= HEADER_SIZE => rest = behind,
                _ => break,
            }
        }
        headers
    }

    /// The first message's payload, as far as it was captured. Where the header's length
    /// is not true, everything behind the header.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let behind = self.data.get(HEADER_SIZE..).unwrap_or_default();
        let stated = self
            .header()
            .and_then(|header| usize::try_from(header.len).ok()?.checked_sub(HEADER_SIZE));
        stated.and_then(|len| behind.get(..len)).unwrap_or(behind)
    }

    /// The payload's text, if it is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        printable(self.payload())
    }
}

impl Direction {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::UserToKernel => "user to kernel",
            Self::KernelToUser => "kernel to user",
            Self::UserToUser => "user to user",
            Self::KernelToKernel => "kernel to kernel",
        }
    }

    /// As one word, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserToKernel => "user_to_kernel",
            Self::KernelToUser => "kernel_to_user",
            Self::UserToUser => "user_to_user",
            Self::KernelToKernel => "kernel_to_kernel",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
