// SPDX-License-Identifier: MIT OR Apache-2.0
//! Human-readable output: each exchange as a ladder between the process and the kernel, or each
//! message on a line. The drawing depends on [`RenderOptions`] and nothing else.

mod bytes;
mod fold;
mod ladder;
mod lanes;
mod line;
mod message;
mod oneline;
#[cfg(feature = "top")]
pub mod parts;
mod render;
mod rungs;
mod summary;
mod text;
mod watch;

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use anstyle::Style;
use greet_trace::{
    greeting::{Answer, Greeting, Outcome, Traced},
    journey::Update,
    run::{Greetings, Opening, Run, Start, Summary},
};

use crate::view::View;
use ladder::Ladder;
use line::{Line, wrapped};
pub use render::RenderOptions;
use render::{BOLD, DIM, ERROR, PLAIN};
use text::{counted, duration, microseconds};

/// Writes lines for people.
pub struct Human<W> {
    out: W,
    render: RenderOptions,
    quiet: bool,
    /// The text of the last reply: an identical one is not shown again.
    answer: Option<Vec<u8>>,
    /// The call of the last request reported.
    call: u64,
    /// Whether greetings are shown, or any traffic.
    greets: bool,
}

impl<W: Write> Human<W> {
    /// Writes to `out`; if `quiet`, only what is known at the start and at the end.
    pub const fn new(out: W, render: RenderOptions, quiet: bool) -> Self {
        Self {
            out,
            render,
            quiet,
            answer: None,
            call: 0,
            greets: false,
        }
    }

    /// Writes the drawing in one piece.
    fn write(&mut self, drawn: &str) -> io::Result<()> {
        self.out.write_all(drawn.as_bytes())
    }

    /// Prose, on as many lines as it needs.
    fn sentence(&self, style: Style, text: &str, out: &mut String) {
        // Before measuring.
        let text = self.render.shown(text.as_bytes());
        for text in wrapped(&text, self.render.width) {
            Line::new(&self.render).push(style, &text).end(out);
        }
    }

    fn traced(&self, greeting: &Greeting, trace: &Traced, out: &mut String) {
        if self.render.oneline {
            oneline::exchange(&trace.exchange, &self.render, out);
        } else {
            let ladder = Ladder::new(&trace.exchange, trace.callback.as_deref(), &self.render);
            out.push('\n');
            ladder.draw(out);
            self.outcome(greeting, out);
            ladder.marks(out);
            if self.render.bytes {
                ladder.bytes(out);
            }
        }
        if trace.exchange.request.is_none() {
            let text = "records are missing: see `dropped` below";
            self.sentence(ERROR, text, out);
        }
    }

    /// The ladder's last line.
    fn outcome(&self, greeting: &Greeting, out: &mut String) {
        let mut line = Line::new(&self.render);
        line.to(ladder::USER);
        match &greeting.outcome {
            Outcome::Answered(answer) => {
                let time_ns = answer.time_ns.saturating_sub(greeting.sent.time_ns);
                line.push(BOLD, "answered").push(DIM, "  round trip ");
                line.push(BOLD, &duration(time_ns, &self.render));
                line.push(DIM, "  text ");
                line.push(
                    PLAIN,
                    &counted(answer.payload.len() as u64, "byte", "bytes"),
                );
            }
            Outcome::NotAskedFor => {
                line.push(BOLD, "sent").push(DIM, "  no reply requested");
            }
            Outcome::Lost(why) => {
                let columns = self.render.width.saturating_sub(ladder::USER).max(20);
                for text in wrapped(&self.render.shown(why.as_bytes()), columns) {
                    let mut line = Line::new(&self.render);
                    line.to(ladder::USER).push(ERROR, &text).end(out);
                }
                return;
            }
        }
        line.end(out);
    }

    /// The line of a greeting that was not traced.
    fn untraced(&mut self, greeting: &Greeting, out: &mut String) {
        let seq = greeting.sent.seq;
        match &greeting.outcome {
            Outcome::Answered(answer) => self.answered(greeting, answer, out),
            Outcome::NotAskedFor => {
                let text = format!("greeting {seq} sent; no reply requested");
                self.sentence(PLAIN, &text, out);
            }
            Outcome::Lost(why) => self.sentence(ERROR, why, out),
        }
    }

    fn answered(&mut self, greeting: &Greeting, answer: &Answer, out: &mut String) {
        let time_ns = answer.time_ns.saturating_sub(greeting.sent.time_ns);
        let size = counted(answer.payload.len() as u64, "byte", "bytes");
        let seq = greeting.sent.seq;
        let mut line = Line::new(&self.render);
        line.push(PLAIN, &format!("{size} from the kernel: seq={seq} time="));
        line.push(PLAIN, &duration(time_ns, &self.render)).end(out);
        if !self.render.oneline && self.answer.as_ref() != Some(&answer.payload) {
            let text = self.render.shown(trimmed(&answer.payload)).into_owned();
            for text in wrapped(&text, self.render.width.saturating_sub(2)) {
                let mut line = Line::new(&self.render);
                line.to(2).push(BOLD, &text).end(out);
            }
            self.answer = Some(answer.payload.clone());
        }
    }
}

impl<W: Write> View for Human<W> {
    fn open(&mut self, opening: &Opening) -> io::Result<()> {
        match &opening.run {
            Run::Watch(system) => self.watch(system)?,
            Run::Greetings(start) => {
                self.greets = true;
                self.greet(start)?;
            }
        }
        self.out.flush()
    }

    fn update(&mut self, update: &Update<'_>, callback: Option<&str>) -> io::Result<()> {
        // A greeting's exchange is drawn with its outcome.
        if self.quiet || self.greets {
            return Ok(());
        }
        self.traffic(update, callback)
    }

    fn greeting(&mut self, greeting: &Greeting) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let mut out = String::new();
        if let Some(trace) = &greeting.trace {
            self.traced(greeting, trace, &mut out);
        } else {
            self.untraced(greeting, &mut out);
        }
        for rejected in &greeting.rejected {
            self.sentence(ERROR, rejected, &mut out);
        }
        self.write(&out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn close(&mut self, summary: &Summary) -> io::Result<()> {
        match &summary.greetings {
            None => self.observed(summary)?,
            Some(greetings) => self.greeted(greetings, summary)?,
        }
        self.out.flush()
    }
}

impl<W: Write> Human<W> {
    /// The start of a run that greets.
    fn greet(&mut self, start: &Start) -> io::Result<()> {
        let (render, system) = (self.render, &start.system);
        let mut out = String::new();
        let mut line = Line::new(&render);
        let (port, protocol) = (start.portid, start.protocol);
        let behind = format!(" from port {port} to netlink protocol {protocol}");
        let room = render
            .width
            .saturating_sub("GREET \"\"".len() + behind.len());
        let text = line::cut(&render.shown(start.text.as_bytes()), room, &render);
        line.push(BOLD, "GREET")
            .push(PLAIN, &format!(" \"{text}\"{behind}"));
        line.end(&mut out);
        for missing in &system.attached.missing {
            self.sentence(ERROR, missing, &mut out);
        }
        let hooks = &system.attached.hooks;
        if !hooks.is_empty() {
            let mut text = format!(
                "kernel {}, {}",
                system.kernel,
                counted(hooks.len() as u64, "hook", "hooks")
            );
            if render.verbose {
                text = format!("{text}: {}", by_kind(hooks));
            }
            self.sentence(DIM, &text, &mut out);
            if render.oneline && !self.quiet {
                oneline::titles(&render, &mut out);
            }
        }
        self.write(&out)
    }

    /// The end of such a run.
    fn greeted(&mut self, greetings: &Greetings, summary: &Summary) -> io::Result<()> {
        let render = self.render;
        let mut out = String::from("\n");
        let (sent, answered, lost) = (greetings.sent, greetings.received, greetings.lost);
        self.sentence(BOLD, "--- greeting statistics ---", &mut out);
        let percent = (lost * 100).checked_div(sent).unwrap_or(0);
        let time = greetings.duration_ns / 1_000_000;
        let mut line = Line::new(&render);
        line.push(PLAIN, &format!("{sent} sent, {answered} answered, "));
        let style = if lost > 0 { ERROR } else { PLAIN };
        line.push(style, &format!("{lost} lost ({percent}%)"));
        line.push(PLAIN, &format!(", time {time} ms")).end(&mut out);
        if let Some(times) = &greetings.round_trips {
            let all = [times.min, times.mean, times.max, times.mdev].map(microseconds);
            let (all, us) = (all.join("/"), render.glyphs().us);
            let text = format!("round trip min/avg/max/mdev = {all} {us}");
            self.sentence(PLAIN, &text, &mut out);
        }
        if summary.is_traced {
            let (events, dropped) = (summary.events, summary.events_dropped);
            summary::events(events, dropped, summary.calls_missed, &render, &mut out);
            summary::spans(&summary.spans, &render, &mut out);
            summary::histogram(&summary.totals, &render, &mut out);
        }
        self.write(&out)
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

/// Strips the trailing NULs.
fn trimmed(payload: &[u8]) -> &[u8] {
    let end = payload
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    &payload[..end]
}
