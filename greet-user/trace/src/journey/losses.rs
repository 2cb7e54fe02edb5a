// SPDX-License-Identifier: MIT OR Apache-2.0
//! One lost message is one loss. For a reply that finds its queue full the kernel passes two
//! places: `netlink_overrun()`, and then `netlink_unicast()` returns `-EAGAIN`
//! (`netlink_attachskb()` in `net/netlink/af_netlink.c`). The first identifies the socket, so it is
//! the one that is kept.

use std::collections::VecDeque;

use super::{Exchange, Journey, Update, Watched};
use crate::event::{Loss, Owner, Request};

/// errno(3).
const EAGAIN: i32 = 11;
const ECONNREFUSED: i32 = 111;

/// How many overruns outside of a traced call may wait for their failure. It follows at once,
/// except for records from other CPUs in between.
const WAITING: usize = 64;

/// What was lost in a call.
#[derive(Debug, Default)]
pub(super) struct Losses {
    all: Vec<Loss>,
    /// The last of them is an overrun whose failure may follow.
    is_open: bool,
    /// Calls of `netlink_unicast` that are known to have failed.
    failures: u32,
}

impl Losses {
    pub(super) fn push(&mut self, loss: Loss) {
        self.failures += u32::from(loss.overrun == 0);
        let last = self.all.last();
        let is_known = self.is_open && last.is_some_and(|last| is_same(last, &loss));
        self.is_open = loss.overrun != 0;
        if !is_known {
            self.all.push(loss);
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.all.iter()
    }

    /// How many of those that were not queued have no record: in a summary none is written, and a
    /// record may be dropped. If queues are not traced, the number of unqueued messages means
    /// nothing.
    pub(super) fn unexplained(&self, unqueued: u32, watched: Watched) -> u32 {
        if !watched.queues {
            return 0;
        }
        let overruns = self.all.iter().filter(|loss| loss.overrun != 0).count();
        let overruns = u32::try_from(overruns).unwrap_or(u32::MAX);
        unqueued.saturating_sub(self.failures.max(overruns))
    }

    /// The losses as this request's. What its own socket lost was lost by its sender.
    pub(super) fn of(mut self, request: &Request) -> Vec<Loss> {
        for loss in &mut self.all {
            if loss.owner.is_none() && is_own(loss, request) && loss.result != -ECONNREFUSED {
                loss.owner = Some(Owner::of(&request.head));
            }
        }
        self.all
    }
}

/// Overruns outside of a traced call.
#[derive(Debug, Default)]
pub(super) struct Overruns(VecDeque<Loss>);

impl Overruns {
    /// Is it new, or the failure that follows one of them?
    pub(super) fn is_new(&mut self, loss: &Loss) -> bool {
        if let Some(at) = self.0.iter().rposition(|overrun| is_same(overrun, loss)) {
            self.0.remove(at);
            return false;
        }
        if loss.overrun != 0 {
            self.0.truncate(WAITING - 1);
            self.0.push_front(*loss);
        }
        true
    }
}

/// Are they the two places that one lost message passes?
fn is_same(overrun: &Loss, failure: &Loss) -> bool {
    let of = |loss: &Loss| {
        let head = &loss.head;
        (head.tid, head.call, head.protocol, loss.netns, loss.portid)
    };
    overrun.overrun != 0
        && (failure.overrun, failure.result) == (0, -EAGAIN)
        && of(overrun) == of(failure)
}

/// Did this request's sender lose it? Other sockets may lose messages in its call, too. A message
/// refused because there was no receiver can only have been a reply to this sender.
fn is_own(loss: &Loss, request: &Request) -> bool {
    if loss.overrun == 0 {
        loss.portid == request.datagram.portid || loss.result == -ECONNREFUSED
    } else {
        loss.head.sock == request.head.sock
    }
}

impl Journey {
    /// In a call it is emitted when the call ends.
    pub(super) fn loss(&mut self, loss: Loss, emit: &mut impl FnMut(Update<'_>)) {
        if loss.head.call != 0 {
            let losses = &mut self.call(loss.head.tid, loss.head.call, emit).losses;
            let before = losses.all.len();
            losses.push(loss);
            let new = losses.all.len() - before;
            self.held.add_notes(new, 0);
            self.make_room(emit);
        } else if self.overruns.is_new(&loss) {
            emit(Update::Loss(&loss));
        }
    }
}

impl Exchange {
    /// The losses that hit this exchange's own messages. The others happened to other sockets in
    /// its request's call.
    pub fn own_losses(&self) -> impl Iterator<Item = &Loss> {
        let request = self.request.as_ref();
        let is_own = move |loss: &&Loss| request.is_none_or(|request| is_own(loss, request));
        self.losses.iter().filter(is_own)
    }

    /// How many of its messages were lost: they did not reach their queue, or their reader could
    /// not take them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.own_losses().count() as u64 + self.lost_unrecorded()
    }

    /// Those among them that have no [`Loss`].
    #[must_use]
    pub fn lost_unrecorded(&self) -> u64 {
        let reads = self.queued.iter();
        let reads = reads.filter_map(|queued| queued.delivery.as_ref());
        let failed = reads.filter(|read| read.result < 0).count();
        u64::from(self.unexplained) + failed as u64
    }
}
