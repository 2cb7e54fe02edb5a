// SPDX-License-Identifier: MIT OR Apache-2.0
//! One conversation: its counts, its times and its last exchanges.

use std::{collections::VecDeque, rc::Rc};

use greet_common::Stage;
use greet_trace::{
    journey::{Exchange, Status},
    statistics::Durations,
};

use super::{
    rate::{Rate, TREND},
    who::Who,
};

/// Identifies a conversation in a run.
pub type Id = u64;

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests sent, and messages put into the receive queue.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Exchanges that have ended.
    pub exchanges: u64,
    /// Of these, how many of each status, in the order of [`Status::ALL`].
    pub statuses: [u64; Status::ALL.len()],
    /// Messages that a full queue had no room for.
    pub overruns: u64,
    /// Messages that could not be delivered, or that their reader could not take.
    pub failed: u64,
}

impl Tally {
    /// Requests that were refused, or could not be sent.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.of(Status::Refused) + self.of(Status::Failed)
    }

    /// Messages that did not reach their addressee.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.overruns + self.failed
    }

    /// How many exchanges ended with this status.
    #[must_use]
    pub fn of(&self, status: Status) -> u64 {
        let at = Status::ALL.iter().position(|known| *known == status);
        at.map_or(0, |at| self.statuses[at])
    }

    pub(super) fn status(&mut self, status: Status) {
        if let Some(at) = Status::ALL.iter().position(|known| *known == status) {
            self.statuses[at] += 1;
        }
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.exchanges += other.exchanges;
        for (own, more) in self.statuses.iter_mut().zip(other.statuses) {
            *own += more;
        }
        self.overruns += other.overruns;
        self.failed += other.failed;
    }
}

/// An exchange retained for viewing.
#[derive(Debug)]
pub struct Kept {
    /// Counted from 1 over the whole run.
    pub number: u64,
    /// When its last stage was seen: CLOCK_MONOTONIC, ns.
    pub ended_ns: u64,
    /// Its status.
    pub status: Status,
    /// The exchange itself.
    pub exchange: Rc<Exchange>,
}

/// The last exchanges of a conversation, oldest first.
pub type Exchanges = VecDeque<Rc<Kept>>;

/// One conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    pub who: Who,
    pub tally: Tally,
    pub messages: Rate,
    pub exchanges: Rate,
    /// When it was last seen.
    pub last_ns: u64,
    pub totals: Option<Box<Durations>>,
    pub kept: Exchanges,
    /// The last row made of it, until something changes.
    pub row: Option<Rc<Row>>,
}

/// A conversation in the table, at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which conversation.
    pub id: Id,
    /// Who talks with whom.
    pub who: Who,
    /// The counts.
    pub tally: Tally,
    /// Messages in the last second.
    pub message_rate: u64,
    /// Exchanges in the last second.
    pub exchange_rate: u64,
    /// Messages in each of the last seconds.
    pub trend: [u32; TREND],
    /// Total time of an exchange, ns: p50, p90, p99.
    pub total: Option<[u64; 3]>,
    /// When it was last seen.
    pub last_ns: u64,
}

impl Conversation {
    pub(super) fn new(who: Who) -> Self {
        Self {
            who,
            tally: Tally::default(),
            messages: Rate::default(),
            exchanges: Rate::default(),
            last_ns: 0,
            totals: None,
            kept: VecDeque::new(),
            row: None,
        }
    }

    /// Counts a message of this many bytes.
    pub(super) fn message(&mut self, time_ns: u64, bytes: u32) {
        self.tally.messages += 1;
        self.tally.bytes += u64::from(bytes);
        self.messages.add(time_ns, 1);
        self.seen(time_ns);
    }

    pub(super) fn seen(&mut self, time_ns: u64) {
        self.last_ns = self.last_ns.max(time_ns);
        self.row = None;
    }

    /// Adds an exchange that has ended.
    pub(super) fn ended(&mut self, time_ns: u64, status: Status, exchange: &Exchange) {
        self.tally.exchanges += 1;
        self.tally.status(status);
        self.exchanges.add(time_ns, 1);
        if let Some(total_ns) = exchange.span(Stage::Send, Stage::Delivered) {
            self.totals.get_or_insert_default().push(total_ns);
        }
        self.seen(time_ns);
    }

    /// Adds what was counted before the owner was known.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.tally.absorb(&other.tally);
        self.messages.absorb(&other.messages);
        self.exchanges.absorb(&other.exchanges);
        self.seen(other.last_ns);
    }

    /// Its row; the same one until something changes.
    pub(super) fn row(&mut self, id: Id, now_ns: u64) -> Rc<Row> {
        if let Some(row) = &self.row {
            return Rc::clone(row);
        }
        let times = self.totals.as_ref().and_then(|times| times.distribution());
        let row = Rc::new(Row {
            id,
            who: self.who,
            tally: self.tally,
            message_rate: self.messages.per_second(now_ns),
            exchange_rate: self.exchanges.per_second(now_ns),
            trend: self.messages.trend(now_ns),
            total: times.map(|times| [times.p50, times.p90, times.p99]),
            last_ns: self.last_ns,
        });
        if self.messages.is_quiet(now_ns) && self.exchanges.is_quiet(now_ns) {
            self.row = Some(Rc::clone(&row));
        }
        row
    }
}

/// When the last stage of an exchange was seen, ns.
pub(super) fn ended_ns(exchange: &Exchange) -> u64 {
    let request = exchange.request.as_ref();
    let sent = request.map_or(0, |request| request.sent_ns.max(request.send_ns));
    let queued = exchange.queued.iter().map(|queued| {
        let read = queued.delivery.as_ref();
        read.map_or(queued.message.queue_ns, |read| read.delivered_ns)
    });
    queued.max().unwrap_or(0).max(sent)
}

/// The approximate size of an exchange in bytes.
pub(super) fn weight(exchange: &Exchange) -> usize {
    let sent = exchange.request.as_ref();
    let sent = sent.map_or(0, |request| request.datagram.data.len());
    let queued = exchange.queued.iter();
    let queued = queued.map(|queued| size_of_val(queued) + queued.message.datagram.data.len());
    let notes = size_of_val(exchange.losses.as_slice()) + size_of_val(exchange.extacks.as_slice());
    size_of::<Kept>() + sent + queued.sum::<usize>() + notes
}
