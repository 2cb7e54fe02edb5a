// SPDX-License-Identifier: MIT OR Apache-2.0
//! Greetings, one after the other, each with what the tracer saw of it.

use super::{Closing, Feed, Opening, Run};
use crate::{
    client::Sent,
    event::Event,
    journey::Exchange,
    output::{Greeting, Outcome, Output, Start, Summary, Trace, Traced},
    session::SessionError,
    sinks::Sinks,
    statistics::{Durations, Spans},
};

/// What the client knows of one greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeted {
    /// Counted from 1.
    pub number: u64,
    /// The request as it left.
    pub sent: Sent,
    /// What came back.
    pub outcome: Outcome,
    /// What came that was not the answer, one sentence each.
    pub rejected: Vec<String>,
}

/// Takes greetings and events as they come.
pub struct Greetings<'a> {
    output: &'a mut dyn Output,
    start: Start,
    began_ns: u64,
    feed: Feed,
    /// Exchanges that have come to their end since the last greeting.
    ended: Vec<Exchange>,
    tally: Tally,
}

/// What the summary needs.
#[derive(Default)]
struct Tally {
    received: u64,
    lost: u64,
    round_trips: Durations,
    spans: Spans,
}

impl<'a> Greetings<'a> {
    /// Shows what is known before the first one.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn begin(
        output: &'a mut dyn Output,
        sinks: Sinks,
        start: Start,
        began_ns: u64,
    ) -> Result<Self, SessionError> {
        output.start(&start)?;
        let opening = Opening {
            began_ns,
            deliveries: true,
            run: Run::Greetings(start.clone()),
        };
        Ok(Self {
            output,
            feed: Feed::begin(sinks, &opening)?,
            start,
            began_ns,
            ended: Vec::new(),
            tally: Tally::default(),
        })
    }

    /// Takes the next event.
    pub fn push(&mut self, event: Event) {
        let ended = &mut self.ended;
        self.feed.push(event, |exchange| ended.push(exchange));
    }

    /// The exchange of this sequence number, once it is whole.
    pub fn whole(&mut self, seq: u32) -> Option<Exchange> {
        let portid = self.start.portid;
        let wanted = |exchange: &Exchange| is_of(exchange, portid, seq);
        let at = self.ended.iter().position(wanted)?;
        let found = self.ended.swap_remove(at);
        self.ended.clear();
        Some(found)
    }

    /// What there is of the exchange of this sequence number: no more of it will come.
    pub fn part(&mut self, seq: u32) -> Exchange {
        let portid = self.start.portid;
        let mut found = None;
        self.feed.give_up(|exchange| {
            if is_of(&exchange, portid, seq) {
                found = Some(exchange);
            }
        });
        self.ended.clear();
        found.unwrap_or_default()
    }

    /// When nothing more is there for now.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn rest(&mut self) -> Result<(), SessionError> {
        self.feed.rest()
    }

    /// Shows one greeting; `exchange` is what the tracer saw, `None` if it was not asked.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn greeting(
        &mut self,
        greeted: Greeted,
        exchange: Option<Exchange>,
    ) -> Result<(), SessionError> {
        self.feed.greeting(&greeted, exchange.is_some())?;
        let Start {
            system,
            protocol,
            portid,
            text,
            pid,
        } = &self.start;
        let greeting = Greeting {
            number: greeted.number,
            text: text.clone(),
            sent: greeted.sent,
            outcome: greeted.outcome,
            rejected: greeted.rejected,
            trace: exchange.map(|exchange| Trace {
                exchange,
                callback: system.attached.callback_of(*protocol).map(str::to_owned),
            }),
            pid: *pid,
            portid: *portid,
        };
        self.tally.count(&greeting);
        self.output.greeting(&greeting)?;
        Ok(())
    }

    /// Sums up. Returns whether every greeting was answered that was to be.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn finish(self, closing: &Closing) -> Result<bool, SessionError> {
        let Self {
            output,
            feed,
            tally,
            began_ns,
            ..
        } = self;
        let shown = output.summary(&Summary {
            sent: closing.sent,
            received: tally.received,
            lost: tally.lost,
            duration_ns: closing.ended_ns.saturating_sub(began_ns),
            round_trips: tally.round_trips.distribution(),
            traced: closing.unseen.map(|unseen| Traced {
                events: feed.events(),
                events_dropped: unseen.events_dropped,
                calls_missed: unseen.calls_missed,
                spans: tally.spans.distributions(),
                totals: tally.spans.totals(),
            }),
        });
        feed.finish(closing)?;
        shown?;
        Ok(tally.lost == 0)
    }

    /// Sums up for the sinks alone: greeting was not possible at all.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn give_up(self, closing: &Closing) -> Result<(), SessionError> {
        self.feed.finish(closing)
    }
}

fn is_of(exchange: &Exchange, portid: u32, seq: u32) -> bool {
    exchange.request.as_ref().is_some_and(|request| {
        // Where neither the request's bytes nor an answer was seen, there is no number.
        request.datagram.portid == portid && exchange.seq().is_none_or(|found| found == seq)
    })
}

impl Tally {
    fn count(&mut self, greeting: &Greeting) {
        match &greeting.outcome {
            Outcome::Answered(_) => self.received += 1,
            Outcome::Lost(_) => self.lost += 1,
            Outcome::NotAskedFor => {}
        }
        if let Some(round_trip) = greeting.round_trip_ns() {
            self.round_trips.push(round_trip);
        }
        if let Some(trace) = &greeting.trace {
            self.spans.count(&trace.exchange);
        }
    }
}
