// SPDX-License-Identifier: MIT OR Apache-2.0
//! Deliveries that came before the message that was delivered: in a summary the message is
//! told late if another thread than the sender's reads it.

use std::collections::{HashMap, VecDeque};

use super::Buffer;
use crate::event::Delivery;

/// How many may wait. Most have no message to wait for: it was queued before the tracer
/// came, or its record was lost.
const WAITING: usize = 4096;

/// Those that wait, and how many have waited in vain.
#[derive(Debug, Default)]
pub(super) struct Early {
    of: HashMap<Buffer, VecDeque<Delivery>>,
    order: VecDeque<Buffer>,
    given_up: u64,
}

impl Early {
    pub(super) fn put(&mut self, key: Buffer, delivery: Delivery) {
        self.of.entry(key).or_default().push_back(delivery);
        self.order.push_back(key);
        while self.order.len() > WAITING
            && let Some(oldest) = self.order.pop_front()
        {
            if self.pop(oldest, |_| true).is_some() {
                self.given_up += 1;
            }
        }
    }

    /// The first reading of this buffer after a message was put into it.
    pub(super) fn take(&mut self, key: Buffer, queue_ns: u64) -> Option<Delivery> {
        // When a message was queued that was first seen at its reading is not known.
        (queue_ns != 0)
            .then(|| self.pop(key, |delivery| delivery.receive_ns >= queue_ns))
            .flatten()
    }

    /// How many have no message so far.
    pub(super) fn unmatched(&self) -> u64 {
        let waiting: usize = self.of.values().map(VecDeque::len).sum();
        self.given_up + u64::try_from(waiting).unwrap_or(u64::MAX)
    }

    fn pop(&mut self, key: Buffer, fits: impl Fn(&Delivery) -> bool) -> Option<Delivery> {
        let waiting = self.of.get_mut(&key)?;
        let at = waiting.iter().position(fits)?;
        let delivery = waiting.remove(at);
        if waiting.is_empty() {
            self.of.remove(&key);
        }
        delivery
    }
}
