// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the hooks in use can see. What they cannot see is unknown, and nothing is concluded from
//! its absence.

/// Which kinds of events can occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The end of a `sendmsg()`.
    pub requests: bool,
    /// Messages that are put into a receive queue.
    pub queues: bool,
    /// Messages that are read.
    pub deliveries: bool,
    /// Messages that are lost.
    pub losses: bool,
    /// Messages' bytes, which include errors.
    pub bytes: bool,
}

/// Nothing is concluded from what is absent.
impl Default for Watched {
    fn default() -> Self {
        Self::ALL
    }
}

impl Watched {
    /// All of them.
    pub const ALL: Self = Self {
        requests: true,
        queues: true,
        deliveries: true,
        losses: true,
        bytes: true,
    };
}
