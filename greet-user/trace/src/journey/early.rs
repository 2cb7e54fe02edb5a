// SPDX-License-Identifier: MIT OR Apache-2.0
//! Deliveries that came before their message: in a summary the message is emitted late if a thread
//! other than the sender's reads it.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::Buffer;
use crate::event::Delivery;

/// How many may wait. Most have no message to wait for: it was queued before the tracer started, or
/// its record was dropped.
const WAITING: usize = 4096;

/// Those that wait, and how many have waited in vain.
#[derive(Debug, Default)]
pub(super) struct Early {
    of: HashMap<Buffer, VecDeque<Delivery>>,
    /// In order of arrival, each by its buffer and its stage `receive`; includes those that were
    /// taken since.
    order: VecDeque<(Buffer, u64)>,
    given_up: u64,
}

impl Early {
    pub(super) fn put(&mut self, key: Buffer, delivery: Delivery) {
        self.order.push_back((key, delivery.receive_ns));
        self.of.entry(key).or_default().push_back(delivery);
        while self.order.len() > WAITING
            && let Some((oldest, receive_ns)) = self.order.pop_front()
        {
            let is_it = |delivery: &Delivery| delivery.receive_ns == receive_ns;
            if self.pop(oldest, is_it).is_some() {
                self.given_up += 1;
            }
        }
    }

    /// The first read of this buffer after a message was put into it.
    pub(super) fn take(&mut self, key: Buffer, queue_ns: u64) -> Option<Delivery> {
        // For a message first seen when it was read, the time it was queued is unknown.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, samples::greeting};

    fn delivery(start_ns: u64) -> Delivery {
        let [_, _, Event::Delivery(delivery)] = greeting(71, 1, start_ns) else {
            panic!("a greeting ends with its delivery");
        };
        delivery
    }

    #[test]
    fn one_that_was_taken_makes_nobody_else_give_up() {
        let mut early = Early::default();
        let key = (1, 1);
        for round in 0..2 * WAITING as u64 {
            early.put(key, delivery(1_000_000 * round));
            assert!(early.take(key, 1).is_some());
        }
        // The list of arrivals is full of those that were taken.
        early.put(key, delivery(1));
        early.put((2, 2), delivery(2));
        assert!(early.take(key, 1).is_some(), "it was not given up");
        assert_eq!(early.unmatched(), 1);
    }

    #[test]
    fn the_oldest_are_given_up_and_still_counted() {
        let mut early = Early::default();
        for number in 0..5_000 {
            early.put((number, number), delivery(number));
        }
        assert_eq!((early.of.len(), early.unmatched()), (WAITING, 5_000));
        assert!(early.take((0, 0), 1).is_none());
        assert!(early.take((4_999, 4_999), 1).is_some());
    }
}
