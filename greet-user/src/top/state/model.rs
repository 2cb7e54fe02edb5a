// SPDX-License-Identifier: MIT OR Apache-2.0
//! All conversations of a run: updates take a time that does not depend on how many there are, and
//! retention is bounded.

mod room;
mod whose;

use std::rc::Rc;

use greet_trace::{
    event::{Loss, Message, Request},
    journey::{Exchange, Update},
    statistics::Durations,
};
use hashbrown::HashMap;

use super::{
    conversation::{Conversation, Exchanges, Id, Kept, Row, Tally, ended_ns, weight},
    history::{Fading, History, Moment},
    rate::Rate,
    who::{Link, Party, Peer, Who},
};

/// The retention limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Conversations.
    pub conversations: usize,
    /// Exchanges per conversation.
    pub exchanges: usize,
    /// Bytes of all exchanges together.
    pub bytes: usize,
    /// Retention of earlier states.
    pub fading: Fading,
}

impl Limits {
    /// For a live run: the last of each conversation.
    pub const LIVE: Self = Self {
        conversations: 512,
        exchanges: 128,
        bytes: 64 << 20,
        fading: Fading::Oldest,
    };
    /// For a recording: all of it, as far as memory allows.
    pub const RECORDED: Self = Self {
        conversations: 2_048,
        exchanges: usize::MAX,
        bytes: 512 << 20,
        fading: Fading::EverySecond,
    };
}

/// Totals of all conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Of all conversations, including forgotten ones.
    pub tally: Tally,
    /// Messages in the last second.
    pub message_rate: u64,
    /// Exchanges in the last second.
    pub exchange_rate: u64,
    /// Conversations that were forgotten because there were too many.
    pub forgotten: u64,
    /// Exchanges no longer retained.
    pub released: u64,
    /// Events that were dropped.
    pub events_dropped: u64,
    /// Calls, by any process, for which the kernel could not run the tracer's programs.
    pub calls_missed: u64,
}

/// All conversations.
#[derive(Debug)]
pub struct Model {
    limits: Limits,
    all: HashMap<Id, Conversation>,
    of_whom: HashMap<Who, Id>,
    links: HashMap<Link, Id>,
    next: Id,
    totals: Totals,
    messages: Rate,
    exchanges: Rate,
    /// Bytes of the retained exchanges.
    bytes: usize,
    /// The call of the last request reported, and its owner.
    call: (u64, Id),
    now_ns: u64,
    /// Earlier states.
    pub history: History,
}

impl Model {
    /// Without any conversation.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            all: HashMap::new(),
            of_whom: HashMap::new(),
            links: HashMap::new(),
            next: 1,
            totals: Totals::default(),
            messages: Rate::default(),
            exchanges: Rate::default(),
            bytes: 0,
            call: (0, 0),
            now_ns: 0,
            history: History::new(limits.fading),
        }
    }

    /// Takes an update.
    pub fn update(&mut self, update: &Update<'_>) {
        match update {
            Update::Request(request) => self.request(request),
            Update::Message(message, seen) => self.message(message, seen.time_ns),
            Update::Loss(loss) => self.loss(loss),
            Update::Exchange(exchange) => self.ended(Rc::clone(exchange)),
            Update::Extack(..) => {}
        }
    }

    /// Retains an exchange that has ended.
    fn ended(&mut self, exchange: Rc<Exchange>) {
        self.adopt(&exchange);
        let id = self.owner(&exchange);
        let (time_ns, status) = (ended_ns(&exchange), exchange.status());
        // As in the closing summary: losses with records were already counted.
        let lost = exchange.lost_unrecorded();
        self.totals.tally.exchanges += 1;
        self.totals.tally.status(status);
        self.totals.tally.failed += lost;
        self.exchanges.add(time_ns, 1);
        let number = self.totals.tally.exchanges;
        let most = self.limits.exchanges;
        self.bytes += weight(&exchange);
        if let Some(conversation) = self.all.get_mut(&id) {
            conversation.tally.failed += lost;
            conversation.ended(time_ns, status, &exchange);
            conversation.kept.push_back(Rc::new(Kept {
                number,
                ended_ns: time_ns,
                status,
                exchange,
            }));
            if conversation.kept.len() > most {
                self.release(id);
            }
        }
        if self.bytes > self.limits.bytes {
            self.make_room();
        }
        self.advance(time_ns);
    }

    /// What the tracer has not seen so far.
    pub const fn unseen(&mut self, events_dropped: u64, calls_missed: u64) {
        self.totals.events_dropped = events_dropped;
        self.totals.calls_missed = calls_missed;
    }

    /// It is at least this late.
    pub fn advance(&mut self, now_ns: u64) {
        self.now_ns = self.now_ns.max(now_ns);
        if self.history.is_due(self.now_ns) {
            let moment = self.moment();
            self.history.push(moment);
        }
    }

    /// The current time: CLOCK_MONOTONIC, ns.
    #[must_use]
    pub const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// The table as it is now.
    #[must_use]
    pub fn moment(&mut self) -> Moment {
        let now_ns = self.now_ns;
        let rows = self.all.iter_mut();
        Moment {
            time_ns: now_ns,
            rows: rows.map(|(id, found)| found.row(*id, now_ns)).collect(),
            totals: Totals {
                message_rate: self.messages.per_second(now_ns),
                exchange_rate: self.exchanges.per_second(now_ns),
                ..self.totals
            },
        }
    }

    /// The retained exchanges of a conversation, oldest first.
    #[must_use]
    pub fn exchanges(&self, id: Id) -> Option<&Exchanges> {
        Some(&self.all.get(&id)?.kept)
    }

    /// How long all exchanges of a conversation took.
    #[must_use]
    pub fn times(&self, id: Id) -> Option<&Durations> {
        self.all.get(&id)?.totals.as_deref()
    }

    /// The retained exchanges of all conversations.
    #[must_use]
    pub fn all_exchanges(&self) -> HashMap<Id, Exchanges> {
        let all = self.all.iter();
        all.map(|(id, found)| (*id, found.kept.clone())).collect()
    }

    fn request(&mut self, request: &Request) {
        let link = Link::of_sender(&request.datagram);
        let id = self.known(link, Party::of(&request.head));
        self.call = (request.head.call, id);
        self.count(id, request.seen().time_ns, request.datagram.len);
    }

    fn message(&mut self, message: &Message, time_ns: u64) {
        let link = Link::of_receiver(&message.datagram);
        let known = self.links.get(&link).copied();
        let known = known.filter(|id| self.all.contains_key(id));
        let id = known.unwrap_or_else(|| self.known(link, Party::Port(link.port)));
        self.count(id, time_ns, message.datagram.len);
    }

    fn count(&mut self, id: Id, time_ns: u64, bytes: u32) {
        self.totals.tally.messages += 1;
        self.totals.tally.bytes += u64::from(bytes);
        self.messages.add(time_ns, 1);
        if let Some(conversation) = self.all.get_mut(&id) {
            conversation.message(time_ns, bytes);
        }
        self.advance(time_ns);
    }

    fn loss(&mut self, loss: &Loss) {
        let link = |peer| Link {
            port: loss.portid,
            peer,
            protocol: loss.head.protocol,
            netns: loss.netns,
        };
        let (call, asker) = self.call;
        let is_his = call == loss.head.call && call != 0 && loss.overrun == 0;
        let id = if is_his && self.all.contains_key(&asker) {
            asker
        } else {
            let link = link(Peer::Kernel);
            let known = self.links.get(&link).copied();
            let known = known.filter(|id| self.all.contains_key(id));
            let party = loss.owner.as_ref();
            let party = party.map_or(Party::Port(loss.portid), Party::of_owner);
            known.unwrap_or_else(|| self.known(link, party))
        };
        let add = |tally: &mut Tally| {
            if loss.overrun == 0 {
                tally.failed += 1;
            } else {
                tally.overruns += 1;
            }
        };
        add(&mut self.totals.tally);
        if let Some(conversation) = self.all.get_mut(&id) {
            add(&mut conversation.tally);
            conversation.seen(loss.time_ns);
        }
        self.advance(loss.time_ns);
    }
}

impl Row {
    /// Messages per second, from the start of the run to this time.
    #[must_use]
    pub fn mean_rate(&self, began_ns: u64, now_ns: u64) -> u64 {
        let ms = (now_ns.saturating_sub(began_ns) / 1_000_000).max(1);
        self.tally.messages.saturating_mul(1_000) / ms
    }
}
