// SPDX-License-Identifier: MIT OR Apache-2.0
//! For programs: one JSON object a line. Times are integers in ns.

mod exchange;
mod lines;
mod message;
mod object;

use std::io::{self, Write};

pub(super) use lines::extack_text;
use lines::{Counted, ExtackLine, Line, LossLine, StartLine, SummaryLine, VERSION, with_total};

use super::{Greeting, Observed, Output, Start, Summary, System, Watcher};
use crate::{
    event::{end_json_line, json_line},
    journey::Told,
};

/// Writes JSON lines.
pub struct Json<W> {
    out: W,
    quiet: bool,
    line: Vec<u8>,
}

impl<W: Write> Json<W> {
    /// Writes to `out`; if `quiet`, only the first line and the last.
    pub const fn new(out: W, quiet: bool) -> Self {
        Self {
            out,
            quiet,
            line: Vec::new(),
        }
    }

    /// In one piece: another writer on the same pipe cannot come in between.
    fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.line.clear();
        write(&mut self.line);
        if self.line.is_empty() {
            return Ok(());
        }
        end_json_line(&mut self.line);
        self.out.write_all(&self.line)
    }

    /// One of those that come seldom.
    fn seldom(&mut self, line: &Line<'_>) -> io::Result<()> {
        self.out.write_all(&json_line(line)?)
    }

    fn begin(&mut self, system: &System) -> io::Result<()> {
        self.seldom(&Line::Start(StartLine {
            v: VERSION,
            tool: &system.tool,
            kernel: &system.kernel,
            boot_time_unix_ns: system.boot_time_unix_ns,
            hooks: &system.attached.hooks,
            missing: &system.attached.missing,
        }))
    }
}

impl<W: Write> Output for Json<W> {
    fn start(&mut self, start: &Start) -> io::Result<()> {
        self.begin(&start.system)
    }

    fn greeting(&mut self, greeting: &Greeting) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let Some(trace) = &greeting.trace else {
            return self.line(|line| exchange::untraced(line, greeting));
        };
        if let Some(request) = &trace.exchange.request {
            self.line(|line| message::request(line, request))?;
        }
        for passed in &trace.exchange.passed {
            let seen = passed.message.seen();
            self.line(|line| message::message(line, &passed.message, seen))?;
        }
        let callback = trace.callback.as_deref();
        self.line(|line| {
            if !exchange::exchange(line, &trace.exchange, callback, Some(greeting)) {
                exchange::untraced(line, greeting);
            }
        })
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let traced = summary.traced.as_ref();
        let mut spans = traced.map_or_else(Vec::new, |traced| traced.spans.clone());
        spans.extend(summary.round_trips.map(|found| ("round_trip", found)));
        self.seldom(&Line::Summary(SummaryLine {
            v: VERSION,
            sent: Some(summary.sent),
            received: Some(summary.received),
            lost: Some(summary.lost),
            events: traced.map_or(0, |traced| traced.events),
            events_dropped: traced.map_or(0, |traced| traced.events_dropped),
            calls_missed: traced.map_or(0, |traced| traced.calls_missed),
            watched: None,
            spans: with_total(spans),
        }))
    }
}

impl<W: Write> Watcher for Json<W> {
    fn start(&mut self, system: &System) -> io::Result<()> {
        self.begin(system)?;
        self.out.flush()
    }

    fn tell(&mut self, told: &Told<'_>, callback: Option<&str>) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        match told {
            Told::Request(request) => self.line(|line| message::request(line, request)),
            Told::Message(message, seen) => {
                self.line(|line| message::message(line, message, *seen))
            }
            Told::Loss(loss) => self.seldom(&Line::Loss(LossLine::of(loss))),
            Told::Extack(extack, seq) => self.seldom(&Line::Extack(ExtackLine::of(extack, *seq))),
            Told::Exchange(exchange) => self.line(|line| {
                exchange::exchange(line, exchange, callback, None);
            }),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn summary(&mut self, observed: &Observed) -> io::Result<()> {
        let (counts, watched) = (observed.counts, observed.watched);
        self.seldom(&Line::Summary(SummaryLine {
            v: VERSION,
            sent: watched.requests.then_some(counts.requests),
            received: watched.deliveries.then_some(counts.deliveries),
            lost: watched.losses.then(|| counts.lost()),
            events: observed.events,
            events_dropped: observed.events_dropped,
            calls_missed: observed.calls_missed,
            watched: Some(Counted::of(observed)),
            spans: with_total(observed.spans.clone()),
        }))?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
