// SPDX-License-Identifier: MIT OR Apache-2.0
//! The owner of a message or an exchange: found by what datagrams name, in a time that does not
//! depend on how many there are.

use greet_trace::journey::Exchange;

use super::{Id, Link, Model, Party};

impl Model {
    /// The owner of an exchange: the sender, or the reader of a notification.
    pub(super) fn owner(&mut self, exchange: &Exchange) -> Id {
        if let Some(request) = &exchange.request {
            let link = Link::of_sender(&request.datagram);
            return self.known(link, Party::of(&request.head));
        }
        let Some(queued) = exchange.queued.first() else {
            return 0;
        };
        let link = Link::of_receiver(&queued.message.datagram);
        if let Some(read) = &queued.delivery {
            return self.known(link, Party::of(&read.head));
        }
        let known = self.links.get(&link).copied();
        let known = known.filter(|id| self.all.contains_key(id));
        known.unwrap_or_else(|| self.known(link, Party::Port(link.port)))
    }

    /// The reader of a port owns it, and what was counted for the port.
    pub(super) fn adopt(&mut self, exchange: &Exchange) {
        for queued in &exchange.queued {
            let Some(read) = &queued.delivery else {
                continue;
            };
            let link = Link::of_receiver(&queued.message.datagram);
            let known = self.links.get(&link).copied();
            let is_nobodys = known
                .and_then(|id| self.all.get(&id))
                .is_some_and(|found| matches!(found.who.party, Party::Port(_)));
            if let (true, Some(old)) = (is_nobodys, known) {
                self.rename(old, link, Party::of(&read.head));
            }
        }
    }

    /// Makes the conversation of a port that of a process.
    fn rename(&mut self, old: Id, link: Link, party: Party) {
        let who = link.who(party);
        let Some(mut conversation) = self.all.remove(&old) else {
            return;
        };
        self.of_whom.remove(&conversation.who);
        let Some(id) = self.of_whom.get(&who).copied() else {
            conversation.who = who;
            conversation.row = None;
            self.of_whom.insert(who, old);
            self.all.insert(old, conversation);
            return;
        };
        self.links.insert(link, id);
        if let Some(other) = self.all.get_mut(&id) {
            other.absorb(&conversation);
            for kept in conversation.kept {
                other.kept.push_back(kept);
            }
            other.kept.make_contiguous().sort_by_key(|kept| kept.number);
        }
    }

    /// The conversation of this party at this port; a new one if there is none.
    pub(super) fn known(&mut self, link: Link, party: Party) -> Id {
        if let Some(id) = self.links.get(&link)
            && let Some(found) = self.all.get(id)
            && found.who.party == party
        {
            return *id;
        }
        let who = link.who(party);
        let id = match self.of_whom.get(&who) {
            Some(id) => *id,
            None => self.begin(who),
        };
        // Links to forgotten conversations lead nowhere.
        if self.links.len() >= 4 * self.limits.conversations {
            let all = &self.all;
            self.links.retain(|_, id| all.contains_key(id));
            if self.links.len() >= 2 * self.limits.conversations {
                self.links.clear();
            }
        }
        self.links.insert(link, id);
        id
    }
}
