// SPDX-License-Identifier: MIT OR Apache-2.0
//! For people: a line for each stage, in the order in which it happened, with the time.
//! Colours are for terminals; the writer leaves them out elsewhere.

mod ladder;
mod text;
mod watch;

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};

use super::{Greeting, Outcome, Output, Start, Summary, Trace, Traced};
use crate::event::{Datagram, escaped};
use ladder::{process, rungs};
use text::{content, fields, microseconds};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const TO_KERNEL: Style = AnsiColor::Cyan.on_default().bold();
const TO_USER: Style = AnsiColor::Green.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Where the columns behind the two times begin.
const INDENT: usize = 22;
/// Where the column with the process begins.
const PROCESS: usize = 80;

/// Writes lines for people.
pub struct Human<W> {
    out: W,
    quiet: bool,
}

impl<W: Write> Human<W> {
    /// Writes to `out`; if `quiet`, only the summary.
    pub const fn new(out: W, quiet: bool) -> Self {
        Self { out, quiet }
    }

    /// One stage's line.
    fn stage(&mut self, line: &StageLine<'_>) -> io::Result<()> {
        let StageLine {
            since_ns,
            step_ns,
            stage,
            style,
            what,
            process,
        } = line;
        let since = microseconds(*since_ns);
        let step = step_ns.map_or_else(String::new, |ns| format!("+{}", microseconds(ns)));
        let line = format!("{since:>8} {DIM}{step:>9}{DIM:#}  {style}{stage:<9}{style:#} {what}");
        let width = INDENT + 8 + what.chars().count();
        let gap = PROCESS.saturating_sub(width).max(2);
        match process {
            Some(process) => writeln!(self.out, "{line}{:gap$}{DIM}{process}{DIM:#}", ""),
            None => writeln!(self.out, "{line}"),
        }
    }

    /// The header's fields and the text, below a crossing's line.
    fn message(&mut self, message: &Datagram) -> io::Result<()> {
        let headers = message.headers();
        let Some(header) = headers.first() else {
            return writeln!(self.out, "{:INDENT$}{ERROR}no netlink header{ERROR:#}", "");
        };
        writeln!(self.out, "{:INDENT$}{}", "", fields(message, header))?;
        if headers.len() > 1 {
            let more = headers.len() - 1;
            writeln!(
                self.out,
                "{:INDENT$}and {more} more in the same datagram",
                ""
            )?;
        }
        writeln!(self.out, "{:INDENT$}{BOLD}{}{BOLD:#}", "", content(message))
    }

    /// The ladder; returns the first rung's time and the last one's.
    fn trace(&mut self, greeting: &Greeting, trace: &Trace) -> io::Result<(u64, u64)> {
        if greeting.number > 1 {
            writeln!(self.out)?;
        }
        let callback = trace.callback.as_deref().unwrap_or("receive callback");
        let rungs = rungs(&trace.exchange, callback);
        let mut before_ns = None;
        let first_ns = rungs
            .first()
            .map_or(greeting.sent.time_ns, |rung| rung.time_ns);
        for rung in rungs {
            self.stage(&StageLine {
                since_ns: rung.time_ns - first_ns,
                step_ns: before_ns.map(|before_ns| rung.time_ns - before_ns),
                stage: rung.stage.name(),
                style: rung.style,
                what: rung.what,
                process: Some(process(rung.head)),
            })?;
            before_ns = Some(rung.time_ns);
            if let Some(datagram) = rung.datagram {
                self.message(datagram)?;
            }
        }
        if trace.exchange.request.is_none() {
            writeln!(
                self.out,
                "{:INDENT$}{ERROR}records are missing: see `dropped` below{ERROR:#}",
                ""
            )?;
        }
        Ok((first_ns, before_ns.unwrap_or(first_ns)))
    }

    fn outcome(&mut self, greeting: &Greeting, ladder: Option<(u64, u64)>) -> io::Result<()> {
        let seq = greeting.sent.seq;
        match &greeting.outcome {
            Outcome::Answered(answer) => {
                let round_trip_ns = answer.time_ns.saturating_sub(greeting.sent.time_ns);
                let text = escaped(trimmed(&answer.payload));
                let Some((first_ns, last_ns)) = ladder else {
                    let (size, time) = (answer.payload.len(), microseconds(round_trip_ns));
                    return writeln!(
                        self.out,
                        "{size} bytes from the kernel: seq={seq} time={time} µs\n  {BOLD}{text}{BOLD:#}"
                    );
                };
                self.stage(&StageLine {
                    since_ns: answer.time_ns.saturating_sub(first_ns),
                    step_ns: Some(answer.time_ns.saturating_sub(last_ns)),
                    stage: "answer",
                    style: TO_USER,
                    what: text.into_owned(),
                    process: None,
                })?;
                writeln!(
                    self.out,
                    "{:INDENT$}{BOLD}round trip {} µs{BOLD:#}, {} bytes of text from port {}",
                    "",
                    microseconds(round_trip_ns),
                    answer.payload.len(),
                    answer.header.portid,
                )
            }
            Outcome::NotAskedFor => {
                writeln!(self.out, "greeting {seq} sent; no answer asked for")
            }
            Outcome::Lost(why) => writeln!(self.out, "{ERROR}{why}{ERROR:#}"),
        }
    }
}

/// What one stage's line says.
struct StageLine<'a> {
    since_ns: u64,
    step_ns: Option<u64>,
    stage: &'a str,
    style: Style,
    what: String,
    process: Option<String>,
}

impl<W: Write> Output for Human<W> {
    fn start(&mut self, start: &Start) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let Start {
            system,
            protocol,
            portid,
            ..
        } = start;
        let kernel = &system.kernel;
        let text = escaped(start.text.as_bytes());
        let text: String = text.chars().take(60).collect();
        writeln!(
            self.out,
            "{BOLD}GREET{BOLD:#} kernel {kernel}, netlink protocol {protocol}, from port {portid}: \"{text}\""
        )?;
        for missing in &system.attached.missing {
            writeln!(self.out, "{ERROR}{missing}{ERROR:#}")?;
        }
        if !system.attached.hooks.is_empty() {
            writeln!(
                self.out,
                "{DIM}hooks in the kernel: {}{DIM:#}",
                by_kind(&system.attached.hooks)
            )?;
            writeln!(
                self.out,
                "\n{DIM}{:>8} {:>9}  {:<9} {:<20} {:<29}process{DIM:#}",
                "time µs", "step µs", "stage", "function", "what happened"
            )?;
        }
        Ok(())
    }

    fn greeting(&mut self, greeting: &Greeting) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let ladder = match &greeting.trace {
            Some(trace) => Some(self.trace(greeting, trace)?),
            None => None,
        };
        for rejected in &greeting.rejected {
            writeln!(self.out, "{ERROR}{rejected}{ERROR:#}")?;
        }
        self.outcome(greeting, ladder)
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let Summary {
            sent,
            received,
            lost,
            ..
        } = summary;
        let percent = (lost * 100).checked_div(*sent).unwrap_or(0);
        let style = if *lost > 0 { ERROR } else { Style::new() };
        let gap = if self.quiet { "" } else { "\n" };
        writeln!(self.out, "{gap}{BOLD}--- greeting statistics ---{BOLD:#}")?;
        writeln!(
            self.out,
            "{sent} sent, {received} answered, {style}{lost} lost ({percent}%){style:#}, time {} ms",
            summary.duration_ns / 1_000_000
        )?;
        if let Some(times) = &summary.round_trips {
            writeln!(
                self.out,
                "round trip min/avg/max/mdev = {}/{}/{}/{} µs",
                microseconds(times.min),
                microseconds(times.mean),
                microseconds(times.max),
                microseconds(times.mdev),
            )?;
        }
        summary.traced.as_ref().map_or(Ok(()), |traced| {
            let Traced {
                events,
                events_dropped: dropped,
                calls_missed: missed,
                ..
            } = traced;
            let style = if *dropped > 0 { ERROR } else { Style::new() };
            write!(
                self.out,
                "{events} events seen, {style}{dropped} dropped{style:#}"
            )?;
            if *missed > 0 {
                write!(
                    self.out,
                    ", {ERROR}{missed} calls (of any process) missed{ERROR:#}"
                )?;
            }
            writeln!(self.out)
        })
    }
}

/// `4 fentry, 1 kprobe` from `fentry:netlink_unicast` and so on: the ladder names the functions.
fn by_kind(hooks: &[String]) -> String {
    let mut kinds = BTreeMap::new();
    for hook in hooks {
        let (kind, _) = hook.split_once(':').unwrap_or((hook, ""));
        *kinds.entry(kind).or_insert(0_u32) += 1;
    }
    let kinds = kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
    kinds.collect::<Vec<_>>().join(", ")
}

/// Without the NULs at the end.
fn trimmed(payload: &[u8]) -> &[u8] {
    let end = payload
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    &payload[..end]
}
