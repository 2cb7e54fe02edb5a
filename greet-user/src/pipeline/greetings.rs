// SPDX-License-Identifier: MIT OR Apache-2.0
//! Greetings, one after the other, each with its exchange.

use std::rc::Rc;

use greet_trace::{
    greeting::{Greeted, Greeting, Outcome, Traced},
    journey::Exchange,
    run::{Closing, Greetings, Start},
    statistics::Durations,
    tracer::Attached,
};

/// How many exchanges may wait for their greeting: nothing else bounds those of a forged recording.
const WAITING: usize = 1_024;

/// Finds the exchange of each greeting, and counts greetings.
pub(super) struct Greeter {
    start: Start,
    began_ns: u64,
    /// Exchanges that ended since the last greeting.
    ended: Vec<Rc<Exchange>>,
    received: u64,
    lost: u64,
    round_trips: Durations,
}

impl Greeter {
    pub(super) fn new(start: Start, began_ns: u64) -> Self {
        Self {
            start,
            began_ns,
            ended: Vec::new(),
            received: 0,
            lost: 0,
            round_trips: Durations::default(),
        }
    }

    /// Keeps an exchange until the next greeting is over.
    pub(super) fn keep(&mut self, exchange: &Rc<Exchange>) {
        if self.ended.len() < WAITING {
            self.ended.push(Rc::clone(exchange));
        }
    }

    /// Whether the exchange of the greeting with this sequence number has ended.
    pub(super) fn has(&self, seq: u32) -> bool {
        self.position(seq).is_some()
    }

    /// The exchange of the greeting with this sequence number, if it has ended.
    pub(super) fn exchange(&self, seq: u32) -> Option<&Exchange> {
        self.position(seq).map(|at| &*self.ended[at])
    }

    fn position(&self, seq: u32) -> Option<usize> {
        let portid = self.start.portid;
        let mut ended = self.ended.iter();
        ended.position(|exchange| is_of(exchange, portid, seq))
    }

    /// Combines what the client and the tracer know of a greeting.
    pub(super) fn greeting(
        &mut self,
        greeted: Greeted,
        is_traced: bool,
        attached: &Attached,
    ) -> Greeting {
        let found = self.position(greeted.sent.seq);
        let found = found.map(|at| self.ended.swap_remove(at));
        self.ended.clear();
        let greeting = Greeting {
            number: greeted.number,
            text: self.start.text.clone(),
            sent: greeted.sent,
            outcome: greeted.outcome,
            rejected: greeted.rejected,
            trace: is_traced.then(|| Traced {
                // Without records there is an exchange without stages.
                exchange: found.unwrap_or_default(),
                callback: attached.callback_of(self.start.protocol).map(str::to_owned),
            }),
            pid: self.start.pid,
            portid: self.start.portid,
        };
        match &greeting.outcome {
            Outcome::Answered(_) => self.received += 1,
            Outcome::Lost(_) => self.lost += 1,
            Outcome::NotAskedFor => {}
        }
        if let Some(round_trip) = greeting.round_trip_ns() {
            self.round_trips.push(round_trip);
        }
        greeting
    }

    pub(super) fn sum_up(&self, closing: &Closing) -> Greetings {
        Greetings {
            sent: closing.sent,
            received: self.received,
            lost: self.lost,
            duration_ns: closing.ended_ns.saturating_sub(self.began_ns),
            round_trips: self.round_trips.distribution(),
        }
    }
}

fn is_of(exchange: &Exchange, portid: u32, seq: u32) -> bool {
    exchange.request.as_ref().is_some_and(|request| {
        // If neither the request's bytes nor a reply was seen, there is no number.
        request.datagram.portid == portid && exchange.seq().is_none_or(|found| found == seq)
    })
}
