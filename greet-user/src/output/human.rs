// SPDX-License-Identifier: MIT OR Apache-2.0
//! For people: a line for each stage, in the order in which it happened, with the time.
//! Colours are for terminals; the writer leaves them out elsewhere.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use greet_common::{Stage, wire::Header};

use super::{Greeting, Outcome, Output, Start, Summary, Trace, Traced};
use crate::{
    event::{Detail, Event, Message, escaped, flag_names, type_name},
    journey::Exchange,
};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const TO_KERNEL: Style = AnsiColor::Cyan.on_default().bold();
const TO_USER: Style = AnsiColor::Green.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Where the columns behind the two times begin.
const INDENT: usize = 20;
/// How many characters of a message's text are shown.
const TEXT: usize = 76;
/// Where the column with the process begins.
const PROCESS: usize = 78;

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
        let line = format!("{since:>8} {DIM}{step:>9}{DIM:#}  {style}{stage:<7}{style:#} {what}");
        let width = INDENT + 8 + what.chars().count();
        let gap = PROCESS.saturating_sub(width).max(2);
        match process {
            Some(process) => writeln!(self.out, "{line}{:gap$}{DIM}{process}{DIM:#}", ""),
            None => writeln!(self.out, "{line}"),
        }
    }

    fn event(&mut self, event: &Event, times: Times, trace: &Trace) -> io::Result<()> {
        let (style, what) = match &event.detail {
            Detail::Entered(message) => entered(event, message, &trace.callback),
            Detail::Left(result) => left(event, *result, &trace.callback),
        };
        self.stage(&StageLine {
            since_ns: event.time_ns.saturating_sub(times.sent_ns),
            step_ns: Some(event.time_ns.saturating_sub(times.before_ns)),
            stage: event.stage.name(),
            style,
            what,
            process: Some(process(event, &trace.exchange)),
        })?;
        match &event.detail {
            Detail::Entered(message) if event.stage != Stage::Handle => self.message(message),
            _ => Ok(()),
        }
    }

    /// The header's fields and the text, below a crossing's line.
    fn message(&mut self, message: &Message) -> io::Result<()> {
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

    fn trace(&mut self, greeting: &Greeting, trace: &Trace) -> io::Result<u64> {
        let sent_ns = greeting.sent.time_ns;
        if greeting.number > 1 {
            writeln!(self.out)?;
        }
        self.stage(&StageLine {
            since_ns: 0,
            step_ns: None,
            stage: "send",
            style: TO_KERNEL,
            what: format!(
                "{:<20} called with {} bytes",
                "sendmsg()", greeting.sent.len
            ),
            process: trace
                .exchange
                .events
                .first()
                .map(|event| process(event, &trace.exchange)),
        })?;
        let mut before_ns = sent_ns;
        for event in &trace.exchange.events {
            self.event(event, Times { sent_ns, before_ns }, trace)?;
            before_ns = event.time_ns;
        }
        if !trace.exchange.complete {
            writeln!(
                self.out,
                "{:INDENT$}{ERROR}records are missing: see `dropped` below{ERROR:#}",
                ""
            )?;
        }
        Ok(before_ns)
    }

    fn outcome(&mut self, greeting: &Greeting, before_ns: Option<u64>) -> io::Result<()> {
        let seq = greeting.sent.seq;
        match &greeting.outcome {
            Outcome::Answered(answer) => {
                let since_ns = answer.time_ns.saturating_sub(greeting.sent.time_ns);
                let text = escaped(trimmed(&answer.payload));
                let Some(before_ns) = before_ns else {
                    let (size, time) = (answer.payload.len(), microseconds(since_ns));
                    return writeln!(
                        self.out,
                        "{size} bytes from the kernel: seq={seq} time={time} µs\n  {BOLD}{text}{BOLD:#}"
                    );
                };
                self.stage(&StageLine {
                    since_ns,
                    step_ns: Some(answer.time_ns.saturating_sub(before_ns)),
                    stage: "answer",
                    style: TO_USER,
                    what: text.into_owned(),
                    process: None,
                })?;
                writeln!(
                    self.out,
                    "{:INDENT$}{BOLD}round trip {} µs{BOLD:#}, {} bytes of text from port {}",
                    "",
                    microseconds(since_ns),
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

/// What an event's times are counted from, ns.
#[derive(Clone, Copy)]
struct Times {
    sent_ns: u64,
    before_ns: u64,
}

impl<W: Write> Output for Human<W> {
    fn start(&mut self, start: &Start) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let Start {
            kernel,
            protocol,
            portid,
            ..
        } = start;
        let text = escaped(start.text.as_bytes());
        let text: String = text.chars().take(60).collect();
        writeln!(
            self.out,
            "{BOLD}GREET{BOLD:#} kernel {kernel}, netlink protocol {protocol}, from port {portid}: \"{text}\""
        )?;
        if !start.hooks.is_empty() {
            writeln!(
                self.out,
                "{DIM}watching {}{DIM:#}",
                by_function(&start.hooks)
            )?;
            writeln!(
                self.out,
                "\n{DIM}{:>8} {:>9}  {:<7} {:<20} {:<29}process{DIM:#}",
                "time µs", "step µs", "stage", "function", "what happened"
            )?;
        }
        Ok(())
    }

    fn greeting(&mut self, greeting: &Greeting) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let before_ns = match &greeting.trace {
            Some(trace) => Some(self.trace(greeting, trace)?),
            None => None,
        };
        for rejected in &greeting.rejected {
            writeln!(self.out, "{ERROR}{rejected}{ERROR:#}")?;
        }
        self.outcome(greeting, before_ns)
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

/// `netlink_unicast (fentry, fexit) and …` from `fentry:netlink_unicast` and so on.
fn by_function(hooks: &[String]) -> String {
    let mut functions: Vec<(&str, Vec<&str>)> = Vec::new();
    for hook in hooks {
        let (kind, function) = hook.split_once(':').unwrap_or(("", hook));
        match functions.iter_mut().find(|(known, _)| *known == function) {
            Some((_, kinds)) => kinds.push(kind),
            None => functions.push((function, vec![kind])),
        }
    }
    let functions = functions
        .iter()
        .map(|(name, kinds)| format!("{name} ({})", kinds.join(", ")));
    functions.collect::<Vec<_>>().join(" and ")
}

fn entered(event: &Event, message: &Message, callback: &str) -> (Style, String) {
    let style = if message.portid == 0 {
        TO_USER
    } else {
        TO_KERNEL
    };
    let what = if event.stage == Stage::Handle {
        format!("{callback:<20} entered")
    } else {
        let (way, len) = (message.direction().words(), message.len);
        format!("{:<20} {way}, {len} bytes", "netlink_unicast")
    };
    (style, what)
}

fn left(event: &Event, result: Option<i32>, callback: &str) -> (Style, String) {
    let function = match event.stage {
        Stage::Handled => callback,
        _ => "netlink_unicast",
    };
    match result {
        None => (DIM, format!("{function:<20} left")),
        Some(errno) if errno < 0 => {
            let error = io::Error::from_raw_os_error(errno.wrapping_neg()).to_string();
            let error = error.split(" (os error").next().unwrap_or_default();
            (ERROR, format!("{function:<20} returned {errno}: {error}"))
        }
        Some(bytes) => (DIM, format!("{function:<20} returned {bytes}")),
    }
}

/// `greet-user[71]`, or `greet-user[71/72]` for a thread that is not the process's first.
fn process(event: &Event, exchange: &Exchange) -> String {
    let Event { pid, tid, .. } = event;
    // A return carries no name: it is that of the same thread's calls.
    let mut of_thread = exchange.events.iter().filter(|other| other.tid == *tid);
    let comm = of_thread
        .find_map(Event::message)
        .map(|message| escaped(&message.comm));
    let comm = comm.unwrap_or_default();
    if pid == tid {
        format!("{comm}[{pid}]")
    } else {
        format!("{comm}[{pid}/{tid}]")
    }
}

fn fields(message: &Message, header: &Header) -> String {
    let kind = header.kind;
    let kind = type_name(message.protocol, kind)
        .map_or_else(|| kind.to_string(), |name| format!("{kind} {name}"));
    let flags = match flag_names(header.flags).join("|").replace("NLM_F_", "") {
        none if none.is_empty() => "0".to_owned(),
        some => some,
    };
    let port = |portid| match portid {
        0 => "0 (kernel)".to_owned(),
        portid => portid.to_string(),
    };
    let (from, to) = (port(message.portid), port(message.peer_portid));
    let seq = header.seq;
    format!("type {kind}, flags {flags}, seq {seq}, port {from} to {to}")
}

/// The text in quotes, or the first bytes of what is not text.
fn content(message: &Message) -> String {
    let payload = message.payload();
    if let Some(text) = message.text() {
        let captured = u32::try_from(message.data.len()).unwrap_or(u32::MAX);
        let cut = captured < message.len || text.chars().count() > TEXT;
        let text: String = text.chars().take(TEXT).collect();
        return format!("\"{text}\"{}", if cut { " …" } else { "" });
    }
    let shown: Vec<_> = payload
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let more = if payload.len() > 16 { " …" } else { "" };
    format!("{} bytes: {}{more}", payload.len(), shown.join(" "))
}

/// Without the NULs at the end.
fn trimmed(payload: &[u8]) -> &[u8] {
    let end = payload
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    &payload[..end]
}

/// With one decimal, rounded down.
fn microseconds(ns: u64) -> String {
    format!("{}.{}", ns / 1_000, ns % 1_000 / 100)
}
