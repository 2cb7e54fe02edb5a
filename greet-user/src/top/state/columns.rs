// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table's columns, and how to sort by them.

use std::{cmp::Ordering, rc::Rc};

use super::conversation::Row;

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The process's name and ID.
    Process,
    /// The protocol's name.
    Protocol,
    /// The other end.
    Peer,
    /// Messages in the last second.
    Rate,
    /// Messages per second since the start.
    Mean,
    /// Messages.
    Messages,
    /// Exchanges in the last second.
    ExchangeRate,
    /// Exchanges.
    Exchanges,
    /// Half of the exchanges took at most this.
    P50,
    /// 90 % of them.
    P90,
    /// 99 % of them.
    P99,
    /// Messages that did not reach their addressee.
    Lost,
    /// Requests that were refused.
    Refused,
    /// Bytes.
    Bytes,
    /// Network namespace.
    Netns,
}

impl Column {
    /// All of them, in display order.
    pub const ALL: [Self; 15] = [
        Self::Process,
        Self::Protocol,
        Self::Peer,
        Self::Rate,
        Self::Mean,
        Self::Messages,
        Self::ExchangeRate,
        Self::Exchanges,
        Self::P50,
        Self::P90,
        Self::P99,
        Self::Lost,
        Self::Refused,
        Self::Bytes,
        Self::Netns,
    ];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Process => "PROCESS",
            Self::Protocol => "PROTOCOL",
            Self::Peer => "PEER",
            Self::Rate => "MSG/s",
            Self::Mean => "AVG/s",
            Self::Messages => "MSGS",
            Self::ExchangeRate => "EXCH/s",
            Self::Exchanges => "EXCH",
            Self::P50 => "P50",
            Self::P90 => "P90",
            Self::P99 => "P99",
            Self::Lost => "LOST",
            Self::Refused => "REFUSED",
            Self::Bytes => "BYTES",
            Self::Netns => "NETNS",
        }
    }

    /// Is it a name, not a number?
    const fn is_name(self) -> bool {
        matches!(self, Self::Process | Self::Protocol | Self::Peer)
    }

    /// The next one to the right or left, wrapping around.
    #[must_use]
    pub fn next(self, to_the_right: bool) -> Self {
        let at = Self::ALL.iter().position(|column| *column == self);
        let (at, count) = (at.unwrap_or(0), Self::ALL.len());
        let step = if to_the_right { 1 } else { count - 1 };
        Self::ALL[(at + step) % count]
    }

    fn order(self, one: &Row, other: &Row) -> Ordering {
        let by = |number: fn(&Row) -> u64| number(one).cmp(&number(other));
        let time = |at: usize| {
            let of = |row: &Row| row.total.map(|times| times[at]);
            of(one).cmp(&of(other))
        };
        match self {
            Self::Process => one.who.party.cmp(&other.who.party),
            Self::Protocol => one.who.protocol().cmp(&other.who.protocol()),
            Self::Peer => one.who.peer.cmp(&other.who.peer),
            Self::Rate => by(|row| row.message_rate).then_with(|| by(|row| row.last_ns)),
            // All have the same start.
            Self::Mean | Self::Messages => by(|row| row.tally.messages),
            Self::ExchangeRate => by(|row| row.exchange_rate).then_with(|| by(|row| row.last_ns)),
            Self::Exchanges => by(|row| row.tally.exchanges),
            Self::P50 => time(0),
            Self::P90 => time(1),
            Self::P99 => time(2),
            Self::Lost => by(|row| row.tally.lost()),
            Self::Refused => by(|row| row.tally.refused()),
            Self::Bytes => by(|row| row.tally.bytes),
            Self::Netns => by(|row| u64::from(row.who.netns)),
        }
    }

    /// Sorts rows by this column: names from the first letter on, numbers in descending order; the
    /// other way round if `is_reversed`.
    pub fn sort(self, rows: &mut [Rc<Row>], is_reversed: bool) {
        let is_descending = self.is_name() == is_reversed;
        rows.sort_by(|one, other| {
            let order = self.order(one, other);
            let order = if is_descending {
                order.reverse()
            } else {
                order
            };
            // Keeps ties in the same order every time.
            order.then_with(|| one.id.cmp(&other.id))
        });
    }

    /// Does its order start with the greatest?
    #[must_use]
    pub const fn is_descending(self, is_reversed: bool) -> bool {
        self.is_name() == is_reversed
    }
}
