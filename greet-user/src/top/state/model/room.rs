// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has no room any more: the conversation that has been silent for the longest time, and
//! the oldest exchanges.

use super::{Conversation, Id, Model, Who, weight};

impl Model {
    /// A new one.
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

    /// Forgets the conversation that has been silent for the longest time.
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

    /// Keeps the oldest exchange of a conversation no longer.
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

    /// Makes room for an eighth of what may be kept: the oldest exchanges go.
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
