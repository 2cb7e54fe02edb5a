// SPDX-License-Identifier: MIT OR Apache-2.0
//! For programs: one JSON object a line. Times are integers in ns.

mod exchange;
mod lines;
mod message;
mod serialize;

use std::io::{self, Write};

use greet_common::wire::NETLINK_TEST_PROTOCOL;
use serde::Serialize as _;
use serde_json::Serializer;

use exchange::{ExchangeLine, Part, Replies, Stages};
pub(super) use lines::extack_text;
use lines::{ExtackLine, Line, LossLine, StartLine, SummaryLine, VERSION, usize_of};
use message::MessageLine;
use serialize::Compact;

use super::{Greeting, Observed, Outcome, Output, Start, Summary, System, Watcher};
use crate::journey::Told;

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

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        // In one piece: another writer on the same pipe cannot come in between.
        self.line.clear();
        line.serialize(&mut Serializer::with_formatter(&mut self.line, Compact))?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn begin(&mut self, system: &System) -> io::Result<()> {
        self.line(&Line::Start(StartLine {
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
        if let Some(trace) = &greeting.trace {
            if let Some(request) = &trace.exchange.request {
                self.line(&Line::Message(MessageLine::of_request(request)))?;
            }
            for passed in &trace.exchange.passed {
                let seen = passed.message.seen();
                self.line(&Line::Message(MessageLine::of_message(
                    &passed.message,
                    seen,
                )))?;
            }
        }
        self.line(&Line::Exchange(greeting_line(greeting)))
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let traced = summary.traced.as_ref();
        let mut spans = traced.map_or_else(Vec::new, |traced| traced.spans.clone());
        spans.extend(summary.round_trips.map(|found| ("round_trip", found)));
        self.line(&Line::Summary(SummaryLine {
            v: VERSION,
            sent: summary.sent,
            received: summary.received,
            lost: summary.lost,
            events: traced.map_or(0, |traced| traced.events),
            events_dropped: traced.map_or(0, |traced| traced.events_dropped),
            calls_missed: traced.map_or(0, |traced| traced.calls_missed),
            watched: None,
            spans,
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
            Told::Request(request) => self.line(&Line::Message(MessageLine::of_request(request))),
            Told::Message(message, seen) => {
                self.line(&Line::Message(MessageLine::of_message(message, *seen)))
            }
            Told::Loss(loss) => self.line(&Line::Loss(LossLine::of(loss))),
            Told::Extack(extack) => self.line(&Line::Extack(ExtackLine::of(extack))),
            Told::Exchange(exchange) => match ExchangeLine::of(exchange, callback) {
                Some(line) => self.line(&Line::Exchange(line)),
                None => Ok(()),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn summary(&mut self, observed: &Observed) -> io::Result<()> {
        let counts = observed.counts;
        self.line(&Line::Summary(SummaryLine {
            v: VERSION,
            sent: counts.requests,
            received: counts.deliveries,
            lost: counts.overruns + counts.failed,
            events: observed.events,
            events_dropped: observed.events_dropped,
            calls_missed: observed.calls_missed,
            watched: Some(counts),
            spans: observed.spans.clone(),
        }))?;
        self.out.flush()
    }
}

fn greeting_line(greeting: &Greeting) -> ExchangeLine<'_> {
    let trace = greeting.trace.as_ref();
    let seen = trace.and_then(|trace| ExchangeLine::of(&trace.exchange, trace.callback.as_deref()));
    ExchangeLine {
        status: match greeting.outcome {
            Outcome::Answered(_) => "answered",
            Outcome::NotAskedFor => "not_asked_for",
            Outcome::Lost(_) => "lost",
        },
        round_trip_ns: greeting.round_trip_ns(),
        rejected: &greeting.rejected,
        ..seen.unwrap_or_else(|| as_the_client_saw_it(greeting))
    }
}

fn as_the_client_saw_it(greeting: &Greeting) -> ExchangeLine<'_> {
    let answer = match &greeting.outcome {
        Outcome::Answered(answer) => {
            Some(Part::unseen(usize_of(answer.header.len), &answer.payload))
        }
        Outcome::NotAskedFor | Outcome::Lost(_) => None,
    };
    ExchangeLine {
        v: VERSION,
        protocol: NETLINK_TEST_PROTOCOL,
        pid: greeting.pid,
        comm: &[],
        portid: greeting.portid,
        seq: Some(greeting.sent.seq),
        callback: None,
        t_ns: greeting.sent.time_ns,
        stages: Stages::none(greeting.sent.time_ns),
        spans: None,
        request: Some(Part::unseen(greeting.sent.len, greeting.text.as_bytes())),
        replies: Replies::Received(answer),
        status: "",
        extack: &[],
        round_trip_ns: None,
        rejected: &[],
    }
}
