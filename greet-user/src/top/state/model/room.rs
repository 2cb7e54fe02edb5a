// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is discarded for lack of room: the conversation that has been silent longest, and the
//! oldest exchanges.

use super::{Conversation, Id, Model, Who, weight};

impl Model {
    /// Adds a conversation.
    pub(super) fn begin(&mut self, who: Who) -> Id {
        if self.all.len() >= self.limits.conversations {
            self.forget();
        }
        let id = self.next;
        self.next += 1;
        self.all.insert(id, Conversation::new(who));
        self.of_whom.insert(who, id);
        id
    }

    /// Forgets the conversation that has been silent longest.
    fn forget(&mut self) {
        let oldest = self
            .all
            .iter()
            .min_by_key(|(id, found)| (found.last_ns, **id));
        let Some(id) = oldest.map(|(id, _)| *id) else {
            return;
        };
        if let Some(gone) = self.all.remove(&id) {
            self.of_whom.remove(&gone.who);
            self.totals.forgotten += 1;
            for kept in gone.kept {
                self.bytes = self.bytes.saturating_sub(weight(&kept.exchange));
                self.totals.released += 1;
            }
        }
    }

    /// Discards the oldest exchange of a conversation.
    pub(super) fn release(&mut self, id: Id) {
        let gone = self
            .all
            .get_mut(&id)
            .and_then(|found| found.kept.pop_front());
        if let Some(kept) = gone {
            self.bytes = self.bytes.saturating_sub(weight(&kept.exchange));
            self.totals.released += 1;
        }
    }

    /// Frees an eighth of the limit: discards the oldest exchanges.
    pub(super) fn make_room(&mut self) {
        while self.bytes > self.limits.bytes / 8 * 7 {
            let numbers = self.all.iter().filter_map(|(id, found)| {
                let oldest = found.kept.front()?;
                Some((oldest.number, *id))
            });
            match numbers.min() {
                Some((_, id)) => self.release(id),
                None => return,
            }
        }
    }
}
