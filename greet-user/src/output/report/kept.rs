// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which exchanges a report holds in full.
//!
//! All of them, as long as there is room. Beyond that:
//! - half of the room holds the first exchanges;
//! - up to half of the rest holds the first exchanges that went wrong (refused, failed, lost, or
//!   with an unread reply);
//! - the remaining room holds the slowest.

use std::{cmp::Reverse, collections::BTreeMap};

use greet_trace::journey::{Exchange, Status};

use super::exchange::FullExchange;

/// Maximum number of bytes kept, whatever the number of exchanges.
const ROOM: usize = 96 << 20;

/// Greater is more worth keeping: whether it went wrong, then how long it took, then how early it
/// came.
type Worth = (bool, u64, Reverse<u64>);

/// The exchanges kept.
pub(super) struct Kept {
    /// Room for exchanges in the first part and in the second.
    places: (usize, usize),
    first: Vec<Held>,
    others: BTreeMap<Worth, Held>,
    /// Number of the others that went wrong.
    wrong: usize,
    came: u64,
    bytes: usize,
}

/// An exchange as it will be written.
pub(super) struct Held {
    /// Its first stage: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Its number, counted from 1.
    pub number: u64,
    /// The object, as JSON.
    pub json: Box<[u8]>,
}

impl Kept {
    /// Room for up to `limit` exchanges.
    pub(super) fn new(limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let first = limit.div_ceil(2);
        Self {
            places: (first, limit - first),
            first: Vec::new(),
            others: BTreeMap::new(),
            wrong: 0,
            came: 0,
            bytes: 0,
        }
    }

    /// Takes the next exchange, and keeps it if it is worth keeping.
    pub(super) fn take(&mut self, exchange: &Exchange, callback: Option<&str>) {
        self.came += 1;
        let stages = exchange.stages();
        let time_ns = stages.first().map_or(0, |(_, time_ns)| *time_ns);
        let last_ns = stages.last().map_or(0, |(_, time_ns)| *time_ns);
        let number = self.came;
        let held = |bytes: &mut usize| {
            let json = FullExchange::of(exchange, callback, number, time_ns).json();
            *bytes += json.len();
            Held {
                time_ns,
                number,
                json,
            }
        };
        if self.first.len() < self.places.0 && self.bytes < ROOM / 2 {
            self.first.push(held(&mut self.bytes));
            return;
        }
        // From now on the first part takes no more, even if only its bytes were used up.
        self.places.0 = self.first.len();
        let is_wrong = went_wrong(exchange) && self.wrong < self.places.1.div_ceil(2);
        let worth = (is_wrong, last_ns.saturating_sub(time_ns), Reverse(number));
        let is_full = self.others.len() >= self.places.1 || self.bytes > ROOM;
        let least = self.others.first_key_value().map(|(worth, _)| *worth);
        if is_full && least.is_none_or(|least| worth < least) {
            return;
        }
        self.wrong += usize::from(is_wrong);
        let held = held(&mut self.bytes);
        self.others.insert(worth, held);
        while self.others.len() > self.places.1 || self.bytes > ROOM {
            let Some(((was_wrong, ..), out)) = self.others.pop_first() else {
                break;
            };
            self.wrong -= usize::from(was_wrong);
            self.bytes -= out.json.len();
        }
    }

    /// Number of exchanges that are not kept.
    pub(super) fn left_out(&self) -> u64 {
        let kept = self.first.len() + self.others.len();
        self.came - u64::try_from(kept).unwrap_or(u64::MAX)
    }

    /// The kept exchanges, by start time.
    pub(super) fn sorted(&self) -> Vec<&Held> {
        let mut all: Vec<_> = self.first.iter().chain(self.others.values()).collect();
        all.sort_by_key(|held| (held.time_ns, held.number));
        all
    }
}

fn went_wrong(exchange: &Exchange) -> bool {
    let status = exchange.status();
    let is_wrong = [
        Status::Refused,
        Status::Failed,
        Status::Lost,
        Status::Truncated,
        Status::Unread,
        Status::Died,
        Status::Unfinished,
    ];
    is_wrong.contains(&status) || !exchange.losses.is_empty() || exchange.is_interrupted()
}
