// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stages of a message's path: one word each, the same in the eBPF programs, the records, the
//! output, the tests and the documentation.

/// One timestamped point on a message's path through the kernel.
///
/// They are in the order in which a greeting passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Stage {
    /// `netlink_sendmsg` entered: the client is in the kernel.
    Send = 1,
    /// `netlink_unicast` entered with a user's message: it is in an `sk_buff`, on its way to the
    /// kernel.
    Cross = 2,
    /// The receive callback entered.
    Handle = 3,
    /// `netlink_unicast` entered with the kernel's message: the reply is on its way.
    Reply = 4,
    /// `__netlink_sendskb` entered: the reply goes into a user socket's receive queue.
    Queue = 5,
    /// The receive callback left.
    Handled = 6,
    /// `netlink_sendmsg` left: the client's `sendmsg()` returns.
    Sent = 7,
    /// `skb_recv_datagram` left: the reader took the reply out of the queue.
    Receive = 8,
    /// `netlink_recvmsg` left: the reply is in the reader's memory.
    Delivered = 9,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 9] = [
        Self::Send,
        Self::Cross,
        Self::Handle,
        Self::Reply,
        Self::Queue,
        Self::Handled,
        Self::Sent,
        Self::Receive,
        Self::Delivered,
    ];

    /// The stage's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Cross => "cross",
            Self::Handle => "handle",
            Self::Reply => "reply",
            Self::Queue => "queue",
            Self::Handled => "handled",
            Self::Sent => "sent",
            Self::Receive => "receive",
            Self::Delivered => "delivered",
        }
    }

    /// The stage's number, as in the documentation.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// No stage has this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownStage(pub u32);

impl TryFrom<u32> for Stage {
    type Error = UnknownStage;

    fn try_from(number: u32) -> Result<Self, UnknownStage> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.number() == number)
            .ok_or(UnknownStage(number))
    }
}

impl core::fmt::Display for Stage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back() {
        for stage in Stage::ALL {
            assert_eq!(Stage::try_from(stage.number()), Ok(stage));
        }
        for number in [0, 10, u32::MAX] {
            assert_eq!(Stage::try_from(number), Err(UnknownStage(number)));
        }
    }
}
