// SPDX-License-Identifier: MIT OR Apache-2.0
//! JSON output: one object per line. Times are integers in ns.

mod exchange;
mod lines;
mod message;
mod object;

use std::io::{self, Write};

use greet_trace::{
    greeting::Greeting,
    journey::Update,
    run::{Greetings, Opening, Run, Summary},
};
use lines::{Counted, ExtackLine, Line, LossLine, StartLine, SummaryLine, VERSION, with_total};

use crate::{
    json_line::{end_json_line, json_line},
    view::View,
};

/// Writes JSON lines.
pub struct Json<W> {
    out: W,
    quiet: bool,
    /// Whether greetings are shown, or any traffic.
    greets: bool,
    line: Vec<u8>,
}

impl<W: Write> Json<W> {
    /// Writes to `out`; if `quiet`, only the first and the last line.
    pub const fn new(out: W, quiet: bool) -> Self {
        Self {
            out,
            quiet,
            greets: false,
            line: Vec::new(),
        }
    }

    /// In one piece, so that another writer on the same pipe cannot interleave.
    fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.line.clear();
        write(&mut self.line);
        if self.line.is_empty() {
            return Ok(());
        }
        end_json_line(&mut self.line);
        self.out.write_all(&self.line)
    }

    /// One of the infrequent lines.
    fn seldom(&mut self, line: &Line<'_>) -> io::Result<()> {
        self.out.write_all(&json_line(line)?)
    }
}

impl<W: Write> View for Json<W> {
    fn open(&mut self, opening: &Opening) -> io::Result<()> {
        self.greets = matches!(opening.run, Run::Greetings(_));
        let system = opening.system();
        self.seldom(&Line::Start(StartLine {
            v: VERSION,
            tool: &system.tool,
            kernel: &system.kernel,
            boot_time_unix_ns: system.boot_time_unix_ns,
            hooks: &system.attached.hooks,
            missing: &system.attached.missing,
        }))?;
        self.out.flush()
    }

    fn update(&mut self, update: &Update<'_>, callback: Option<&str>) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        match update {
            Update::Request(request) => self.line(|line| message::request(line, request)),
            Update::Message(message, seen) => {
                self.line(|line| message::message(line, message, *seen))
            }
            Update::Loss(loss) => self.seldom(&Line::Loss(LossLine::of(loss))),
            Update::Extack(extack, seq) => self.seldom(&Line::Extack(ExtackLine::of(extack, *seq))),
            // A greeting's exchange follows with its outcome.
            Update::Exchange(_) if self.greets => Ok(()),
            Update::Exchange(exchange) => self.line(|line| {
                exchange::exchange(line, exchange, callback, None);
            }),
        }
    }

    fn greeting(&mut self, greeting: &Greeting) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        self.line(|line| {
            let is_written = greeting.trace.as_ref().is_some_and(|trace| {
                let callback = trace.callback.as_deref();
                exchange::exchange(line, &trace.exchange, callback, Some(greeting))
            });
            if !is_written {
                exchange::untraced(line, greeting);
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn close(&mut self, summary: &Summary) -> io::Result<()> {
        let (counts, watched) = (summary.counts, summary.watched);
        let mut spans = summary.spans.clone();
        let (sent, received, lost) = match &summary.greetings {
            None => (
                watched.requests.then_some(counts.requests),
                watched.deliveries.then_some(counts.deliveries),
                watched.losses.then(|| counts.lost()),
            ),
            Some(greetings) => {
                spans.extend(greetings.round_trips.map(|found| ("round_trip", found)));
                let Greetings {
                    sent,
                    received,
                    lost,
                    ..
                } = *greetings;
                (Some(sent), Some(received), Some(lost))
            }
        };
        self.seldom(&Line::Summary(SummaryLine {
            v: VERSION,
            sent,
            received,
            lost,
            events: summary.events,
            events_dropped: summary.events_dropped,
            calls_missed: summary.calls_missed,
            watched: summary.greetings.is_none().then(|| Counted::of(summary)),
            spans: with_total(spans),
        }))?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
