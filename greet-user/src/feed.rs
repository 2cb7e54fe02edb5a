// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where events go: put together, counted, and told to every view. It is the same for a
//! live run and for a recorded one, and knows neither kernel nor clock.

mod greetings;

pub use greetings::{Greeted, Greetings};

use crate::{
    event::Event,
    journey::{Exchange, Journey, Status, Told, Watched},
    output::{Counts, Observed, Progress, Start, System},
    session::SessionError,
    sinks::Sinks,
    statistics::Spans,
    tracer::{Attached, TracerError},
};

/// What is known of a run before anything happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// When it began: CLOCK_MONOTONIC, ns.
    pub began_ns: u64,
    /// Will deliveries be seen?
    pub deliveries: bool,
    /// What is done.
    pub run: Run,
}

/// What is done in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// Any traffic is watched.
    Watch(System),
    /// The kernel is greeted.
    Greetings(Start),
}

/// What is known of a run when it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// When it ended: CLOCK_MONOTONIC, ns.
    pub ended_ns: u64,
    /// Greetings that left, including one whose outcome is not known.
    pub sent: u64,
    /// What the tracer did not see; `None` if it was not asked.
    pub unseen: Option<Unseen>,
}

/// What did not reach us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Events that did not come.
    pub events_dropped: u64,
    /// Calls, by any process, at which the kernel could not run the tracer's programs.
    pub calls_missed: u64,
}

impl Opening {
    /// Where it happens.
    #[must_use]
    pub const fn system(&self) -> &System {
        match &self.run {
            Run::Watch(system) => system,
            Run::Greetings(start) => &start.system,
        }
    }

    /// What can be seen.
    #[must_use]
    pub fn watched(&self) -> Watched {
        self.system().attached.watched(self.deliveries)
    }
}

/// Takes events as they come.
pub struct Feed {
    journey: Journey,
    watched: Watched,
    events: u64,
    telling: Telling,
}

/// What is told, and counted on the way.
struct Telling {
    sinks: Sinks,
    attached: Attached,
    counts: Counts,
    spans: Spans,
    /// Whether a message came with bytes; in a summary none does.
    bytes: bool,
    /// What writing ran into first.
    failed: Result<(), SessionError>,
}

impl Feed {
    /// Tells all sinks where we are.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn begin(mut sinks: Sinks, opening: &Opening) -> Result<Self, SessionError> {
        sinks.start(opening)?;
        Ok(Self {
            journey: Journey::watching(opening.watched()),
            watched: opening.watched(),
            events: 0,
            telling: Telling {
                sinks,
                attached: opening.system().attached.clone(),
                counts: Counts::default(),
                spans: Spans::default(),
                bytes: false,
                failed: Ok(()),
            },
        })
    }

    /// How many events came.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Takes the next event; an exchange that it brings to its end is told and then handed
    /// to `ended`. What writing runs into is returned by [`Self::rest`].
    pub fn push(&mut self, event: Event, mut ended: impl FnMut(Exchange)) {
        self.events += 1;
        let telling = &mut self.telling;
        telling.attempt(|sinks| sinks.event(&event));
        self.journey
            .push(event, &mut |told| telling.tell(told, &mut ended));
    }

    /// When the next exchange stops waiting for an answer by another task: CLOCK_MONOTONIC, ns.
    #[must_use]
    pub fn due_ns(&self) -> Option<u64> {
        self.journey.due_ns()
    }

    /// Time goes on, though nothing happens: tells what has waited long enough. `now_ns` is the
    /// time at which nothing was left to be pushed.
    pub fn tick(&mut self, now_ns: u64, mut ended: impl FnMut(Exchange)) {
        let telling = &mut self.telling;
        self.journey
            .tick(now_ns, &mut |told| telling.tell(told, &mut ended));
    }

    /// Brings everything that is still open to its end.
    pub fn give_up(&mut self, mut ended: impl FnMut(Exchange)) {
        let telling = &mut self.telling;
        self.journey
            .finish(&mut |told| telling.tell(told, &mut ended));
    }

    /// Says how many events did not come so far; `count` is asked where it is wanted.
    ///
    /// # Errors
    /// What counting and writing ran into.
    pub fn dropped(
        &mut self,
        count: impl FnOnce() -> Result<u64, TracerError>,
    ) -> Result<(), SessionError> {
        self.telling.sinks.dropped(count)
    }

    /// Does anybody want to be told how far the run is?
    #[must_use]
    pub fn wants_progress(&self) -> bool {
        self.telling.sinks.wants_progress()
    }

    /// Tells how far the run is.
    pub fn progress(&mut self, unseen: Unseen) {
        self.telling.sinks.progress(&Progress {
            events: self.events,
            events_dropped: unseen.events_dropped,
            calls_missed: unseen.calls_missed,
        });
    }

    /// When nothing more is there for now.
    ///
    /// # Errors
    /// What writing ran into since the last time.
    pub fn rest(&mut self) -> Result<(), SessionError> {
        let written = std::mem::replace(&mut self.telling.failed, Ok(()));
        written.and(self.telling.sinks.flush())
    }

    /// Gives up what is still open, and sums up.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn finish(mut self, closing: &Closing) -> Result<(), SessionError> {
        self.give_up(drop);
        let Telling {
            mut sinks,
            counts,
            spans,
            bytes,
            failed,
            ..
        } = self.telling;
        let unseen = closing.unseen.unwrap_or_default();
        let observed = Observed {
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
        failed.and(sinks.summary(&observed, closing))
    }

    fn greeting(&mut self, greeted: &Greeted, traced: bool) -> Result<(), SessionError> {
        self.telling
            .attempt(|sinks| sinks.greeting(greeted, traced));
        self.rest()
    }
}

impl Telling {
    fn attempt(&mut self, write: impl FnOnce(&mut Sinks) -> Result<(), SessionError>) {
        if let written @ Err(_) = write(&mut self.sinks)
            && self.failed.is_ok()
        {
            self.failed = written;
        }
    }

    fn tell(&mut self, told: Told<'_>, ended: &mut impl FnMut(Exchange)) {
        if let Told::Message(message, _) = &told {
            self.bytes |= !message.datagram.data.is_empty();
        }
        count(&told, &mut self.counts, &mut self.spans);
        let written = self.sinks.tell(&told, callback(&told, &self.attached));
        self.attempt(|_| written);
        if let Told::Exchange(exchange) = told {
            ended(exchange);
        }
    }
}

/// The receive callback of an exchange's protocol.
fn callback<'a>(told: &Told<'_>, attached: &'a Attached) -> Option<&'a str> {
    match told {
        Told::Exchange(exchange) => attached.callback_of(exchange.request.as_ref()?.head.protocol),
        _ => None,
    }
}

fn count(told: &Told<'_>, counts: &mut Counts, spans: &mut Spans) {
    match told {
        Told::Request(_) => counts.requests += 1,
        Told::Message(..) => counts.messages += 1,
        Told::Loss(loss) if loss.overrun == 0 => counts.failed += 1,
        Told::Loss(_) => counts.overruns += 1,
        Told::Extack(..) => {}
        Told::Exchange(exchange) => {
            let read = exchange
                .passed
                .iter()
                .filter(|passed| passed.delivery.is_some());
            let read = read.filter(|passed| !passed.is_spoilt());
            counts.deliveries += u64::try_from(read.count()).unwrap_or(u64::MAX);
            counts.failed += exchange.lost_unrecorded();
            counts.truncated += exchange.truncated();
            match exchange.status() {
                Status::Refused => counts.refused += 1,
                Status::Failed => counts.unsent += 1,
                _ => {}
            }
            counts.died += u64::from(exchange.status() == Status::Died);
            spans.count(exchange);
        }
    }
}
