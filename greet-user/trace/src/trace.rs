// SPDX-License-Identifier: MIT OR Apache-2.0
//! A trace: what to watch, and the exchanges as they end.

mod builder;
mod error;

use std::{collections::VecDeque, time::Duration};

use tokio::{process::Child, time::sleep};

pub use builder::TraceBuilder;
pub use error::TraceError;

use crate::{
    clock::monotonic_ns,
    journey::{Exchange, Journey, Update},
    run::Unseen,
    tracer::{Attached, BATCH, GATHER, SETTLED_NS, Tracer},
};

/// A trace in progress. Dropping it detaches everything; a command that still runs keeps running.
pub struct Trace {
    tracer: Tracer,
    journey: Journey,
    ended: Ended,
    command: Option<Child>,
    /// Calls that the programs missed, once detached.
    missed: Option<u64>,
}

/// What the journey has emitted.
#[derive(Default)]
struct Ended {
    /// Exchanges that were not returned yet.
    exchanges: VecDeque<Exchange>,
    /// Lost messages.
    lost: u64,
}

impl Ended {
    fn take(&mut self, update: Update<'_>) {
        self.lost += u64::from(matches!(update, Update::Loss(_)));
        self.exchanges.extend(update.into_exchange());
    }
}

impl Trace {
    /// Describes what to trace: by default, all netlink traffic of the machine.
    #[must_use]
    pub fn builder() -> TraceBuilder {
        TraceBuilder::default()
    }

    /// The next exchange that has ended, in the order of their ends. Waits for it. `None` once the
    /// command has ended, or after [`Self::stop`], when there are no more. Cancel safe: what was
    /// read is kept for the next call.
    ///
    /// # Errors
    /// [`TraceError`] if the kernel's buffer cannot be read or the command cannot be waited for.
    pub async fn next(&mut self) -> Result<Option<Exchange>, TraceError> {
        loop {
            if let Some(exchange) = self.ended.exchanges.pop_front() {
                return Ok(Some(exchange));
            }
            if self.missed.is_some() {
                return Ok(None);
            }
            let is_more = self.read() == BATCH;
            if is_more || !self.ended.exchanges.is_empty() {
                continue;
            }
            let late = late(&self.journey);
            tokio::select! {
                ended = command_ended(self.command.as_mut()) => {
                    ended?;
                    self.stop()?;
                }
                waited = self.tracer.readable() => {
                    waited?;
                    sleep(GATHER).await;
                }
                () = late => {}
            }
        }
    }

    /// The exchanges that have ended, without waiting.
    pub fn take_ended(&mut self) -> Vec<Exchange> {
        while self.read() == BATCH {}
        self.ended.exchanges.drain(..).collect()
    }

    /// Everything seen so far, without waiting. Exchanges in progress are ended as they stand. What
    /// happened in this task's own calls is included, since the programs run inside them.
    pub fn take_all(&mut self) -> Vec<Exchange> {
        while self.read() == BATCH {}
        let ended = &mut self.ended;
        self.journey.finish(&mut |update| ended.take(update));
        self.ended.exchanges.drain(..).collect()
    }

    /// Detaches. What was seen can still be taken.
    ///
    /// # Errors
    /// [`TraceError`] if the calls in progress cannot be read.
    pub fn stop(&mut self) -> Result<(), TraceError> {
        if self.missed.is_none() {
            let (journey, ended) = (&mut self.journey, &mut self.ended);
            let missed = self
                .tracer
                .finish(|event| journey.push(event, &mut |update| ended.take(update)))?;
            self.missed = Some(missed);
            journey.finish(&mut |update| ended.take(update));
        }
        Ok(())
    }

    /// What is attached where, and what could not be attached.
    #[must_use]
    pub const fn attached(&self) -> &Attached {
        self.tracer.attached()
    }

    /// What did not reach us. If both counts are 0, everything that the hooks can see was seen.
    ///
    /// # Errors
    /// [`TraceError`] if the counters cannot be read.
    pub fn unseen(&self) -> Result<Unseen, TraceError> {
        let calls_missed = match self.missed {
            Some(missed) => missed,
            None => self.tracer.missed()?,
        };
        Ok(Unseen {
            events_dropped: self.tracer.dropped()?,
            calls_missed,
        })
    }

    /// How many messages were lost, as far as the hooks can see it. Those of a request are in its
    /// exchange as well ([`Exchange::losses`]).
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.ended.lost
    }

    /// How many messages were read that were not seen before: queued before the trace began, or
    /// dropped by us.
    #[must_use]
    pub fn unmatched(&self) -> u64 {
        self.journey.unmatched()
    }

    /// Reads up to [`BATCH`] records; returns how many there were.
    fn read(&mut self) -> usize {
        let began_ns = monotonic_ns();
        let (journey, ended) = (&mut self.journey, &mut self.ended);
        let read = self.tracer.drain(BATCH, |event| {
            journey.push(event, &mut |update| ended.take(update));
        });
        if read < BATCH {
            let settled_ns = began_ns.saturating_sub(SETTLED_NS);
            journey.tick(settled_ns, &mut |update| ended.take(update));
        }
        read
    }
}

/// Waits until an exchange has waited long enough for another task's reply; forever if none waits.
async fn late(journey: &Journey) {
    let Some(due_ns) = journey.due_ns() else {
        return std::future::pending().await;
    };
    let due_ns = due_ns.saturating_add(SETTLED_NS);
    sleep(Duration::from_nanos(due_ns.saturating_sub(monotonic_ns()))).await;
}

/// Waits for the command to end; forever if there is none.
async fn command_ended(command: Option<&mut Child>) -> Result<(), TraceError> {
    match command {
        Some(command) => command.wait().await.map(drop).map_err(TraceError::Wait),
        None => std::future::pending().await,
    }
}
