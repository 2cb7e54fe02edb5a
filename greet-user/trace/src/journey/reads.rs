// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a message was read, and what every view must show of it.

use greet_common::{
    event::LEN_UNKNOWN,
    wire::{NLM_F_ACK, NLM_F_MULTI, NLMSG_DONE},
};

use super::{Exchange, Queued};

/// `NLM_F_DUMP`, both bits.
const NLM_F_DUMP: u16 = 0x300;
/// `NLM_F_DUMP_INTR`: the dumped data changed between two parts of the dump
/// (`nl_dump_check_consistent()` in `include/net/netlink.h`).
const NLM_F_DUMP_INTR: u16 = 0x10;

impl Queued {
    /// How many bytes of it reached its reader's memory; `None` if it was not read, or if the hooks
    /// do not show it.
    #[must_use]
    pub fn copied(&self) -> Option<u32> {
        let read = self.delivery.as_ref()?;
        let result = u32::try_from(read.result).ok()?;
        if read.copied != LEN_UNKNOWN {
            return Some(read.copied);
        }
        // A result of the message's own length may be due to `MSG_TRUNC`.
        (result < self.message.datagram.len).then_some(result)
    }

    /// Did its reader get only part of it? The kernel discards the rest.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        let copied = self.copied();
        copied.is_some_and(|copied| copied < self.message.datagram.len)
    }

    /// Could its reader not take it at all?
    #[must_use]
    pub fn is_spoilt(&self) -> bool {
        let read = self.delivery.as_ref();
        read.is_some_and(|read| read.result < 0)
    }

    /// Does it say that the dumped data changed in the meantime?
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        let datagram = &self.message.datagram;
        let is_done_so = || {
            let done = datagram.beyond.done;
            done.is_some_and(|done| done.flags & NLM_F_DUMP_INTR != 0)
        };
        let are_parts_so = || {
            datagram.headers().iter().any(|header| {
                let is_part = header.flags & NLM_F_MULTI != 0 || header.kind == NLMSG_DONE;
                is_part && header.flags & NLM_F_DUMP_INTR != 0
            })
        };
        datagram.portid == 0 && (is_done_so() || are_parts_so())
    }
}

impl Exchange {
    /// How many of its messages were only partly read.
    #[must_use]
    pub fn truncated(&self) -> u64 {
        let queued = self.queued.iter();
        queued.filter(|queued| queued.is_truncated()).count() as u64
    }

    /// Is it a dump of data that changed in the meantime? Then the dump may be inconsistent.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.queued.iter().any(Queued::is_interrupted)
    }

    /// Does its request ask for a reply? A flag requests an acknowledgement or a dump; whether a
    /// request has a reply by its nature is not known here. If not all of its messages were
    /// captured, one of the others may ask for one.
    #[must_use]
    pub fn is_answer_asked(&self) -> bool {
        let Some(request) = &self.request else {
            return false;
        };
        let datagram = &request.datagram;
        let is_cut = datagram.data.len() < usize::try_from(datagram.len).unwrap_or(usize::MAX);
        let mut headers = datagram.headers().into_iter();
        is_cut || headers.any(|header| header.flags & (NLM_F_ACK | NLM_F_DUMP) != 0)
    }

    /// How often its messages were peeked at (`MSG_PEEK`).
    #[must_use]
    pub fn peeks(&self) -> u64 {
        let queued = self.queued.iter();
        queued.map(|queued| u64::from(queued.peeks)).sum()
    }
}
