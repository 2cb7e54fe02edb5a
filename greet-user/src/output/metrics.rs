// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters and latency histograms for Prometheus. Updates are counted in fixed places, without
//! formatting, locking or waiting; a scrape turns the counts into text, in its own thread (see
//! [`Scrape`]).

mod encode;
mod errors;
mod plain;
mod row;
mod table;
mod times;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicBool, atomic::Ordering},
};

pub use encode::{Scrape, Syntax};

use greet_trace::{
    describe,
    event::{Delivery, Head, Loss},
    journey::{Exchange, Status, Update},
    run::{Opening, Progress, Summary},
};

use crate::view::View;
use errors::Losses;
use row::Row;
use table::{PROTOCOLS, Table, place};
use times::Counter;

/// Counts updates.
pub struct Metrics {
    table: Table,
    shared: Arc<Shared>,
}

/// What the tracing thread writes and scrapes read.
#[derive(Debug)]
struct Shared {
    /// In order of first use. Locked to add a row, and to copy the list.
    rows: Mutex<Vec<Arc<Row>>>,
    protocols: [OnceLock<Box<Losses>>; PROTOCOLS],
    kernel: OnceLock<String>,
    is_up: AtomicBool,
    folded: Counter,
    events: Counter,
    events_dropped: Counter,
    calls_missed: Counter,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            rows: Mutex::default(),
            protocols: [const { OnceLock::new() }; PROTOCOLS],
            kernel: OnceLock::new(),
            is_up: AtomicBool::new(false),
            folded: Counter::default(),
            events: Counter::default(),
            events_dropped: Counter::default(),
            calls_missed: Counter::default(),
        }
    }
}

impl Shared {
    fn rows(&self) -> MutexGuard<'_, Vec<Arc<Row>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn losses(&self, protocol: u32) -> &Losses {
        self.protocols[place(protocol)].get_or_init(Box::default)
    }
}

impl Metrics {
    /// With room for `processes` pairs of a protocol and a process name; the rest count as `other`.
    #[must_use]
    pub fn new(processes: usize) -> Self {
        let shared = Arc::<Shared>::default();
        Self {
            table: Table::new(Arc::clone(&shared), processes),
            shared,
        }
    }

    /// For scrapes, from any thread.
    #[must_use]
    pub fn scrape(&self) -> Scrape {
        Scrape::of(Arc::clone(&self.shared))
    }

    fn row(&mut self, head: &Head) -> &Row {
        // A protocol in use shows its losses, even if there are none.
        self.shared.losses(head.protocol);
        self.table.row(head).0
    }

    fn loss(&self, loss: &Loss) {
        let losses = self.shared.losses(loss.head.protocol);
        if loss.overrun == 0 {
            losses.failures.add(Some(loss.result), 1);
        } else {
            losses.overruns.add(1);
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let Some(head) = describe::owner(exchange) else {
            return;
        };
        let status = exchange.status();
        let protocol = head.protocol;
        let (row, folded) = self.table.row(head);
        row.exchange(exchange, status);
        self.shared.folded.add(u64::from(folded));
        for read in deliveries(exchange) {
            self.row(&read.head).deliveries.add(1);
        }
        let losses = self.shared.losses(protocol);
        for read in deliveries(exchange).filter(|read| read.result < 0) {
            losses.failures.add(Some(read.result), 1);
        }
        if exchange.request.is_none() {
            return;
        }
        // Those with a record of their own were counted with their errors.
        losses.failures.add(None, u64::from(exchange.unexplained));
        if matches!(status, Status::Refused | Status::Failed) {
            losses.refusals.add(describe::errno(exchange), 1);
        }
    }
}

fn deliveries(exchange: &Exchange) -> impl Iterator<Item = &Delivery> {
    let queued = exchange.queued.iter();
    queued.filter_map(|queued| queued.delivery.as_ref())
}

impl View for Metrics {
    fn open(&mut self, opening: &Opening) -> io::Result<()> {
        let kernel = &opening.system().kernel;
        self.shared.kernel.get_or_init(|| kernel.clone());
        self.shared.is_up.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn update(&mut self, update: &Update<'_>, _callback: Option<&str>) -> io::Result<()> {
        match update {
            Update::Request(request) => {
                let row = self.row(&request.head);
                row.requests.add(1);
                row.request_bytes.add(u64::from(request.datagram.len));
            }
            Update::Message(message, _) => {
                let row = self.row(&message.head);
                row.messages.add(1);
                row.message_bytes.add(u64::from(message.datagram.len));
            }
            Update::Loss(loss) => self.loss(loss),
            Update::Extack(..) => {}
            Update::Exchange(exchange) => self.exchange(exchange),
        }
        Ok(())
    }

    fn wants_progress(&self) -> bool {
        true
    }

    fn progress(&mut self, progress: &Progress) {
        let shared = &self.shared;
        shared.events.set(progress.events);
        shared.events_dropped.set(progress.events_dropped);
        shared.calls_missed.set(progress.calls_missed);
    }

    fn close(&mut self, summary: &Summary) -> io::Result<()> {
        self.progress(&Progress {
            events: summary.events,
            events_dropped: summary.events_dropped,
            calls_missed: summary.calls_missed,
        });
        self.shared.is_up.store(false, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
