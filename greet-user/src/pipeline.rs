// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where events go: combined into exchanges, counted, and passed to every view. It is the same
//! for a live run and for a recorded one, and knows neither kernel nor clock.
//!
//! A run is opened, updated and closed. Updates are events and greetings; runs differ only in their
//! source (the tracer and the client, or a recording).

mod greetings;

use std::time::Duration;

use greet_trace::{
    event::Event,
    greeting::Greeted,
    journey::{Exchange, Journey, Status, Update, Watched},
    kernel::TracerError,
    run::{Closing, Counts, Opening, Progress, Run, Summary, Unseen},
    statistics::Spans,
    tracer::Attached,
};

use crate::{error::SessionError, sinks::Sinks};
use greetings::Greeter;

/// Interval between two progress reports: each reads a file in /proc for every program and link.
pub const PROGRESS: Duration = Duration::from_secs(1);

/// A run in progress.
pub struct Pipeline {
    journey: Journey,
    watched: Watched,
    events: u64,
    output: Output,
}

/// What is passed on, and counted on the way.
struct Output {
    sinks: Sinks,
    attached: Attached,
    counts: Counts,
    spans: Spans,
    /// Only in a run that greets.
    greeter: Option<Greeter>,
    /// Whether a message came with bytes; in a summary none does.
    bytes: bool,
    /// The first error of a view since the last [`Pipeline::flush`].
    failed: Result<(), SessionError>,
}

impl Pipeline {
    /// Opens every view.
    ///
    /// # Errors
    /// If a view cannot be written.
    pub fn open(mut sinks: Sinks, opening: &Opening) -> Result<Self, SessionError> {
        sinks.open(opening)?;
        let greeter = match &opening.run {
            Run::Watch(_) => None,
            Run::Greetings(start) => Some(Greeter::new(start.clone(), opening.began_ns)),
        };
        Ok(Self {
            journey: Journey::watching(opening.watched()),
            watched: opening.watched(),
            events: 0,
            output: Output {
                sinks,
                attached: opening.system().attached.clone(),
                counts: Counts::default(),
                spans: Spans::default(),
                greeter,
                bytes: false,
                failed: Ok(()),
            },
        })
    }

    /// Takes the next event. If a view cannot be written, [`Self::flush`] returns the error.
    pub fn push(&mut self, event: Event) {
        self.events += 1;
        let output = &mut self.output;
        output.attempt(|sinks| sinks.event(&event));
        self.journey
            .push(event, &mut |update| output.update(&update));
    }

    /// When the next exchange stops waiting for another task's reply: CLOCK_MONOTONIC, ns.
    #[must_use]
    pub fn due_ns(&self) -> Option<u64> {
        self.journey.due_ns()
    }

    /// Time passes, even if nothing happens: ends the exchanges that have waited long enough.
    /// `now_ns` is the time at which there was nothing left to push.
    pub fn tick(&mut self, now_ns: u64) {
        let output = &mut self.output;
        self.journey
            .tick(now_ns, &mut |update| output.update(&update));
    }

    /// Ends every exchange that is still open.
    pub fn give_up(&mut self) {
        let output = &mut self.output;
        self.journey.finish(&mut |update| output.update(&update));
    }

    /// Whether the exchange of the greeting with this sequence number has ended.
    #[must_use]
    pub fn has_exchange(&self, seq: u32) -> bool {
        let greeter = self.output.greeter.as_ref();
        greeter.is_some_and(|greeter| greeter.has(seq))
    }

    /// Whether the receive callback ran and sent no reply to the greeting with this sequence
    /// number.
    #[must_use]
    pub fn is_ignored(&self, seq: u32) -> bool {
        let greeter = self.output.greeter.as_ref();
        let exchange = greeter.and_then(|greeter| greeter.exchange(seq));
        exchange.is_some_and(Exchange::is_ignored)
    }

    /// A greeting is over. If the kernel is traced, its exchange is ended now.
    ///
    /// # Errors
    /// If a view cannot be written.
    pub fn greeting(&mut self, greeted: Greeted, is_traced: bool) -> Result<(), SessionError> {
        if is_traced && !self.has_exchange(greeted.sent.seq) {
            self.give_up();
        }
        self.output.greeting(greeted, is_traced);
        self.flush()
    }

    /// How many events were dropped so far; `count` is called only if a view asks for it.
    ///
    /// # Errors
    /// If they cannot be counted, or a view cannot be written.
    pub fn dropped(
        &mut self,
        count: impl FnOnce() -> Result<u64, TracerError>,
    ) -> Result<(), SessionError> {
        self.output.sinks.dropped(count)
    }

    /// Whether a view wants [`Self::progress`].
    #[must_use]
    pub fn wants_progress(&self) -> bool {
        self.output.sinks.wants_progress()
    }

    /// Reports how far the run is.
    pub fn progress(&mut self, unseen: Unseen) {
        self.output.sinks.progress(&Progress {
            events: self.events,
            events_dropped: unseen.events_dropped,
            calls_missed: unseen.calls_missed,
        });
    }

    /// There is nothing more for now.
    ///
    /// # Errors
    /// The first error of a view since the last call.
    pub fn flush(&mut self) -> Result<(), SessionError> {
        let written = std::mem::replace(&mut self.output.failed, Ok(()));
        written.and(self.output.sinks.flush())
    }

    /// Ends what is still open, and closes every view. Returns whether every greeting that should
    /// have been answered was.
    ///
    /// # Errors
    /// If a view cannot be written.
    pub fn close(mut self, closing: &Closing) -> Result<bool, SessionError> {
        self.give_up();
        let Output {
            mut sinks,
            counts,
            spans,
            greeter,
            bytes,
            failed,
            ..
        } = self.output;
        let unseen = closing.unseen.unwrap_or_default();
        let summary = Summary {
            greetings: greeter.map(|greeter| greeter.sum_up(closing)),
            is_traced: closing.unseen.is_some(),
            ended_ns: closing.ended_ns,
            events: self.events,
            events_dropped: unseen.events_dropped,
            calls_missed: unseen.calls_missed,
            counts: Counts {
                unmatched: self.journey.unmatched(),
                cut_short: self.journey.cut_short(),
                ..counts
            },
            spans: spans.distributions(),
            totals: spans.totals(),
            watched: Watched {
                bytes: bytes || counts.messages == 0,
                ..self.watched
            },
        };
        failed.and(sinks.close(&summary, closing))?;
        Ok(summary
            .greetings
            .is_none_or(|greetings| greetings.lost == 0))
    }
}

impl Output {
    fn attempt(&mut self, write: impl FnOnce(&mut Sinks) -> Result<(), SessionError>) {
        if let written @ Err(_) = write(&mut self.sinks)
            && self.failed.is_ok()
        {
            self.failed = written;
        }
    }

    fn update(&mut self, update: &Update<'_>) {
        self.count(update);
        let callback = callback(update, &self.attached);
        let written = self.sinks.update(update, callback);
        self.attempt(|_| written);
        if let (Update::Exchange(exchange), Some(greeter)) = (update, &mut self.greeter) {
            greeter.keep(exchange);
        }
    }

    fn greeting(&mut self, greeted: Greeted, is_traced: bool) {
        self.attempt(|sinks| sinks.greeted(&greeted, is_traced));
        if let Some(greeter) = &mut self.greeter {
            let greeting = greeter.greeting(greeted, is_traced, &self.attached);
            self.attempt(|sinks| sinks.greeting(&greeting));
        }
    }

    fn count(&mut self, update: &Update<'_>) {
        let counts = &mut self.counts;
        match update {
            Update::Request(_) => counts.requests += 1,
            Update::Message(message, _) => {
                counts.messages += 1;
                self.bytes |= !message.datagram.data.is_empty();
            }
            Update::Loss(loss) if loss.overrun == 0 => counts.failed += 1,
            Update::Loss(_) => counts.overruns += 1,
            Update::Extack(..) => {}
            Update::Exchange(exchange) => {
                let read = exchange
                    .queued
                    .iter()
                    .filter(|queued| queued.delivery.is_some());
                let read = read.filter(|queued| !queued.is_spoilt());
                counts.deliveries += u64::try_from(read.count()).unwrap_or(u64::MAX);
                counts.failed += exchange.lost_unrecorded();
                counts.truncated += exchange.truncated();
                match exchange.status() {
                    Status::Refused => counts.refused += 1,
                    Status::Failed => counts.unsent += 1,
                    Status::Died => counts.died += 1,
                    _ => {}
                }
                self.spans.count(exchange);
            }
        }
    }
}

/// The receive callback of an exchange's protocol.
fn callback<'a>(update: &Update<'_>, attached: &'a Attached) -> Option<&'a str> {
    match update {
        Update::Exchange(exchange) => {
            attached.callback_of(exchange.request.as_ref()?.head.protocol)
        }
        _ => None,
    }
}
