// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages leave their queues: a reader takes one, or it will never be read.

use super::{Buffer, Journey, MSG_PEEK, Place, Update, update::update};
use crate::event::Delivery;

impl Journey {
    pub(super) fn delivery(&mut self, delivery: Delivery, emit: &mut impl FnMut(Update<'_>)) {
        if let Some(call) = self.end_call(delivery.head.tid, delivery.head.call, emit) {
            for extack in &call.extacks {
                let seq = self.reason_of_dump(extack, &call.messages);
                emit(Update::Extack(extack, seq));
            }
            // The next part of a dump, or what was queued unseen.
            for queued in call.messages {
                emit(update(&queued.message, delivery.receive_ns));
                self.adopt(queued, emit);
            }
            call.losses.iter().for_each(|loss| emit(Update::Loss(loss)));
        }
        let key = (delivery.head.sock, delivery.skb);
        let Some(place) = self.read(key, delivery.receive_ns, emit) else {
            self.early.put(key, delivery);
            return;
        };
        if delivery.flags & MSG_PEEK != 0 {
            self.at(place, |queued| queued.peeks += 1);
            return;
        }
        for places in [&mut self.in_queue, &mut self.displaced] {
            if places.get(&key) == Some(&place) {
                places.remove(&key);
            }
        }
        self.at(place, |queued| queued.delivery = Some(delivery));
        self.close_if_over(place, emit);
    }

    /// The message that was in this buffer when it was read: nothing is read before it is queued.
    fn read(
        &mut self,
        key: Buffer,
        receive_ns: u64,
        emit: &mut impl FnMut(Update<'_>),
    ) -> Option<Place> {
        let newest = self.in_queue.get(&key).copied();
        let fits = |place| {
            let queued = self.passed(place);
            queued.is_some_and(|queued| queued.message.queue_ns <= receive_ns)
        };
        if newest.is_some_and(fits) {
            let older = self.displaced.remove(&key);
            self.give_up(older, emit);
            return newest;
        }
        self.displaced.get(&key).copied()
    }

    /// This message will never be read.
    pub(super) fn give_up(&mut self, place: Option<Place>, emit: &mut impl FnMut(Update<'_>)) {
        if let Some(place) = place {
            self.at(place, |queued| queued.gone = true);
            self.close_if_over(place, emit);
        }
    }
}
