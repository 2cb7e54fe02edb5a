// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a message is kept until it is read.

use super::{Journey, Queued};
use crate::event::Message;

/// Where a message that waits to be read is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Not kept.
    Nowhere,
    /// In the call that a thread is in.
    Call(u32, usize),
    /// In an exchange.
    Exchange(u64, usize),
}

impl Journey {
    pub(super) fn is_at(&self, place: Place, message: &Message) -> bool {
        let queued = self.passed(place);
        queued.is_some_and(|queued| queued.message.datagram.data == message.datagram.data)
    }

    pub(super) fn passed(&self, place: Place) -> Option<&Queued> {
        match place {
            Place::Nowhere => None,
            Place::Call(tid, at) => self.calls.get(&tid)?.messages.get(at),
            Place::Exchange(id, at) => self.open.get(&id)?.queued.get(at),
        }
    }

    pub(super) fn at(&mut self, place: Place, change: impl FnOnce(&mut Queued)) {
        let queued = match place {
            Place::Nowhere => None,
            Place::Call(tid, at) => self
                .calls
                .get_mut(&tid)
                .and_then(|call| call.messages.get_mut(at)),
            Place::Exchange(id, at) => self
                .open
                .get_mut(&id)
                .and_then(|open| open.queued.get_mut(at)),
        };
        if let Some(queued) = queued {
            change(queued);
        }
    }
}
