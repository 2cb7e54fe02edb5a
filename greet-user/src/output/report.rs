// SPDX-License-Identifier: MIT OR Apache-2.0
//! A run as one page for a browser: the summary, the distribution of each span, and the
//! exchanges with their diagrams and bytes. One self-contained file.
//!
//! Counts cover the whole run. A bounded number of exchanges is kept in full (see `kept`), and the
//! page says how many were left out. Nothing is written before the end: there is an old report or a
//! complete new one, never half of one.

mod data;
mod exchange;
mod header;
mod html;
mod kept;
mod loss;
mod message;
mod page;
mod processes;
mod summary;

use std::io;

use greet_trace::{
    journey::{Exchange, Status, Update},
    run::{Opening, Summary},
};

use greet_user::target::Finish;

use crate::view::View;
use kept::Kept;
use processes::Processes;

/// Default number of exchanges kept in full.
pub const LIMIT: u32 = 10_000;
/// Number of losses listed; the others are only counted.
const LOSSES: usize = 200;

/// Writes a report.
pub struct Report<W> {
    out: W,
    /// The command that made the report, as typed.
    command: String,
    run: Option<Opening>,
    kept: Kept,
    processes: Processes,
    statuses: Vec<(Status, u64)>,
    losses: Vec<loss::Loss>,
    /// The first and the last time seen: CLOCK_MONOTONIC, ns.
    times: Option<(u64, u64)>,
}

impl<W: Finish> Report<W> {
    /// Writes to `out`, and keeps up to `limit` exchanges in full.
    pub fn new(out: W, limit: u32, command: String) -> Self {
        Self {
            out,
            command,
            run: None,
            kept: Kept::new(limit),
            processes: Processes::default(),
            statuses: Vec::new(),
            losses: Vec::new(),
            times: None,
        }
    }

    fn passed(&mut self, time_ns: u64) {
        if time_ns == 0 {
            return;
        }
        let (first, last) = self.times.unwrap_or((time_ns, time_ns));
        self.times = Some((first.min(time_ns), last.max(time_ns)));
    }

    fn take(&mut self, exchange: &Exchange, callback: Option<&str>) {
        for (_, time_ns) in exchange.stages() {
            self.passed(time_ns);
        }
        let status = exchange.status();
        match self.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => self.statuses.push((status, 1)),
        }
        self.processes.count(exchange);
        self.kept.take(exchange, callback);
    }

    /// Start of the run: CLOCK_MONOTONIC, ns.
    fn began_ns(&self) -> u64 {
        let told = self.times.map(|(first, _)| first);
        let stated = self.run.as_ref().map(|run| run.began_ns);
        match (stated, told) {
            (Some(stated), Some(told)) => stated.min(told),
            (stated, told) => stated.or(told).unwrap_or(0),
        }
    }

    fn write(&mut self, summary: &Summary) -> io::Result<()> {
        let began_ns = self.began_ns();
        let told_ns = self.times.map_or(began_ns, |(_, last)| last);
        let greetings = summary.greetings.as_ref();
        let left_out = self.kept.left_out();
        let finished = page::Finished {
            command: &self.command,
            run: self.run.as_ref(),
            sent: greetings.map_or(0, |greetings| greetings.sent),
            began_ns,
            ended_ns: summary.ended_ns.max(told_ns),
            observed: summary,
            statuses: &self.statuses,
            groups: self.processes.groups(),
            losses: &self.losses,
            left_out,
            exchanges: self.kept.sorted(),
        };
        finished.write(&mut self.out)?;
        self.out.finish()
    }
}

impl<W: Finish> View for Report<W> {
    fn open(&mut self, opening: &Opening) -> io::Result<()> {
        self.run = Some(opening.clone());
        Ok(())
    }

    fn update(&mut self, update: &Update<'_>, callback: Option<&str>) -> io::Result<()> {
        match update {
            Update::Request(request) => self.passed(request.seen().time_ns),
            Update::Message(_, seen) => self.passed(seen.time_ns),
            Update::Extack(..) => {}
            Update::Loss(loss) => {
                self.passed(loss.time_ns);
                if self.losses.len() < LOSSES {
                    self.losses.push(loss::Loss::of(loss));
                }
            }
            Update::Exchange(exchange) => self.take(exchange, callback),
        }
        Ok(())
    }

    fn close(&mut self, summary: &Summary) -> io::Result<()> {
        self.write(summary)
    }
}

#[cfg(test)]
mod tests;
