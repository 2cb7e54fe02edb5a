// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exchange as a ladder: the user's lane on the left, the kernel's on the right, and a rung for
//! each stage, in order of time.
//!
//! ```text
//! 12.345678          greet-user[144]               kernel
//!  time µs   step µs port 144                      protocol 31 TEST_PROTOCOL
//!      0.0           ├╌╌ sendmsg() ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌▶│ send      netlink_sendmsg
//!    779.1    +779.1 ├── 36 bytes ────────────────▶│ cross     netlink_unicast
//! ```
//! The user's lane is broken while its thread is in the kernel; the kernel's is thick while the
//! receive callback runs.

use anstyle::Style;
use greet_trace::{
    describe::{self, marks},
    event::Head,
    journey::{COMPLETE, Exchange, FIRST_REPLY, Status},
};

use super::{
    bytes,
    fold::{Shown, folded},
    lanes::Lanes,
    line::{Line, width, wrapped},
    message,
    render::{BOLD, DIM, ERROR, PLAIN, RenderOptions},
    rungs::{Rung, rungs},
    text::{clock, counted, duration, process, protocol, short},
};

/// The columns where the time and the step end, and that of the user's lane.
const TIME: usize = 7;
const STEP: usize = 16;
pub(super) const USER: usize = 18;
/// Columns of a stage's name, with a space on either side.
const STAGE: usize = 11;
/// Columns of a kernel function's name: `netlink_recv_msg_fn`.
const FUNCTION: usize = 19;
/// Minimum distance between the lanes.
const BETWEEN: usize = 18;
/// Columns beyond which more room makes nothing clearer.
const WIDEST: usize = 130;

/// Draws an exchange.
pub(super) struct Ladder<'a> {
    render: &'a RenderOptions,
    exchange: &'a Exchange,
    /// The column of the kernel's lane.
    kernel: usize,
    /// The thread that the user's lane belongs to.
    owner: Option<&'a Head>,
    rungs: Vec<Rung<'a>>,
}

impl<'a> Ladder<'a> {
    pub(super) fn new(
        exchange: &'a Exchange,
        callback: Option<&'a str>,
        render: &'a RenderOptions,
    ) -> Self {
        let asker = exchange.request.as_ref().map(|request| &request.head);
        // An unread message has no process lane yet.
        let owner = asker.or_else(|| describe::reader(exchange));
        let callback = callback.unwrap_or("receive callback");
        let rungs = rungs(exchange, callback, owner, render);
        let functions = rungs.iter().map(|rung| width(rung.function));
        let right = 1 + STAGE + functions.max().unwrap_or(0).max(FUNCTION);
        let least = USER + 1 + BETWEEN;
        // On a narrow terminal, the functions are cut.
        let kernel = render.width.min(WIDEST).saturating_sub(right).max(least);
        Self {
            render,
            exchange,
            kernel,
            owner,
            rungs,
        }
    }

    /// Draws everything but the outcome.
    pub(super) fn draw(&self, out: &mut String) {
        self.names(out);
        let Some(first) = self.rungs.first() else {
            return;
        };
        let start_ns = first.time_ns;
        let mut before_ns = None;
        let mut lanes = Lanes::default();
        for shown in folded(&self.rungs, self.exchange, self.render) {
            match shown {
                Shown::Rung(at) => {
                    let rung = &self.rungs[at];
                    // Folded rungs have times too.
                    before_ns = at
                        .checked_sub(1)
                        .map(|at| self.rungs[at].time_ns)
                        .or(before_ns);
                    lanes.before(rung);
                    let step_ns = before_ns.map(|before_ns| rung.time_ns - before_ns);
                    self.rung(rung, rung.time_ns - start_ns, step_ns, lanes, out);
                    lanes.after(rung);
                    self.beneath(rung, lanes, out);
                }
                Shown::Fold(style, text) => {
                    self.note(style, &text, lanes, out);
                }
            }
        }
    }

    /// The bytes of the messages drawn.
    pub(super) fn bytes(&self, out: &mut String) {
        for shown in folded(&self.rungs, self.exchange, self.render) {
            if let Shown::Rung(at) = shown
                && let Some(datagram) = self.rungs[at].message
            {
                bytes::dump(datagram, self.rungs[at].stage, self.render, out);
            }
        }
    }

    /// The outcome, the most telling spans, and the marks.
    pub(super) fn end(&self, out: &mut String) {
        self.status(out);
        self.marks(out);
    }

    /// The marks, which must not be missed, on lines of their own.
    pub(super) fn marks(&self, out: &mut String) {
        let columns = self.render.width.saturating_sub(USER).max(20);
        for mark in marks::of_exchange(self.exchange) {
            for text in wrapped(&mark, columns) {
                let mut line = Line::new(self.render);
                line.to(USER).push(ERROR, &text).end(out);
            }
        }
    }

    fn status(&self, out: &mut String) {
        let status = self.exchange.status();
        let style = match status {
            Status::Refused | Status::Failed | Status::Lost | Status::Truncated | Status::Died => {
                ERROR
            }
            _ => BOLD,
        };
        let mut line = Line::new(self.render);
        line.to(USER).push(style, status.name());
        if status == Status::Unanswered && !self.exchange.is_answer_asked() {
            line.push(DIM, "  no reply requested");
        }
        let queued = &self.exchange.queued;
        let span = |wanted| self.exchange.spans().find(|(name, _)| *name == wanted);
        if let [_, _, ..] = queued.as_slice() {
            let lengths = queued
                .iter()
                .map(|queued| u64::from(queued.message.datagram.len));
            let bytes = counted(lengths.sum(), "byte", "bytes");
            line.push(PLAIN, &format!("  {} messages, {bytes}", queued.len()));
            self.spans(
                [FIRST_REPLY, COMPLETE].into_iter().filter_map(span),
                line,
                out,
            );
            return;
        }
        // The total first; what does not fit goes on another line.
        let most = [COMPLETE, "handler", "queue_wait"];
        self.spans(most.into_iter().filter_map(span), line, out);
    }

    /// Named spans, on as many lines as they need.
    fn spans(
        &self,
        spans: impl Iterator<Item = (&'static str, u64)>,
        mut line: Line<'a>,
        out: &mut String,
    ) {
        for (name, ns) in spans {
            let (name, took) = (name.replace('_', " "), duration(ns, self.render));
            if !line.has_room(4 + width(&name) + width(&took)) {
                line.end(out);
                line = Line::new(self.render);
                line.to(USER);
            }
            line.push(DIM, &format!("  {name} ")).push(PLAIN, &took);
        }
        line.end(out);
    }

    fn between(&self) -> usize {
        self.kernel - USER - 3
    }

    /// The names of the lanes.
    fn names(&self, out: &mut String) {
        let room = self.kernel - USER - 1;
        let (exchange, render) = (self.exchange, self.render);
        let message = exchange.queued.first().map(|queued| &queued.message);
        let datagram = match &exchange.request {
            Some(request) => Some(&request.datagram),
            None => message.map(|message| &message.datagram),
        };
        let portid = datagram.map_or(0, |datagram| match &exchange.request {
            Some(_) => datagram.portid,
            None => datagram.peer_portid,
        });
        let user = self.owner.map(|owner| process(owner, room, render));
        let mut kernel = "kernel, port 0".to_owned();
        // The task in whose call a notification was queued.
        if let (None, Some(message)) = (&exchange.request, message)
            && Some(message.head.pid) != self.owner.map(|owner| owner.pid)
        {
            let room = render
                .width
                .saturating_sub(self.kernel + "kernel, in ".len());
            kernel = format!("kernel, in {}", process(&message.head, room, render));
        }
        let start = self.rungs.first().map_or(0, |rung| rung.time_ns);
        let mut line = Line::new(render);
        line.push(DIM, &format!("{} s", clock(start))).to(USER);
        line.push(BOLD, user.as_deref().unwrap_or("a process"));
        line.to(self.kernel).push(BOLD, &kernel).end(out);
        let mut line = Line::new(render);
        let us = render.glyphs().us;
        line.right(DIM, &format!("time {us}"), TIME);
        line.right(DIM, &format!("step {us}"), STEP).to(USER);
        line.push(DIM, &format!("port {portid}")).to(self.kernel);
        if let Some(datagram) = datagram {
            let name = protocol(datagram.protocol);
            let number = datagram.protocol.to_string();
            let text = if name == number {
                format!("protocol {number}")
            } else {
                format!("protocol {number} {name}")
            };
            line.push(DIM, &text);
        }
        line.end(out);
    }

    fn rung(
        &self,
        rung: &Rung<'_>,
        since_ns: u64,
        step_ns: Option<u64>,
        lanes: Lanes,
        out: &mut String,
    ) {
        let mut line = Line::new(self.render);
        line.right(PLAIN, &short(since_ns), TIME);
        if let Some(step_ns) = step_ns {
            line.right(DIM, &format!("+{}", short(step_ns)), STEP);
        }
        line.to(USER);
        let columns = self.kernel - USER - 1;
        lanes.arrow(rung, columns, self.render, &mut line);
        line.push(PLAIN, " ").push(rung.style, rung.stage);
        line.to(self.kernel + STAGE + 1);
        line.push(PLAIN, rung.function).end(out);
    }

    /// The lines beneath a rung, between the lanes.
    fn beneath(&self, rung: &Rung<'_>, lanes: Lanes, out: &mut String) {
        let columns = self.between();
        if let Some(datagram) = rung.message {
            for pieces in message::lines(datagram, columns, self.render) {
                let mut line = self.body(lanes);
                line.pieces(&pieces);
                self.close(line, lanes, out);
            }
        }
        for (style, note) in &rung.notes {
            self.note(*style, note, lanes, out);
        }
    }

    fn note(&self, style: Style, note: &str, lanes: Lanes, out: &mut String) {
        for text in wrapped(note, self.between()) {
            let mut line = self.body(lanes);
            line.push(style, &text);
            self.close(line, lanes, out);
        }
    }

    fn body(&self, lanes: Lanes) -> Line<'a> {
        let mut line = Line::new(self.render);
        line.to(USER)
            .push(PLAIN, lanes.user(self.render))
            .push(PLAIN, " ");
        line
    }

    fn close(&self, mut line: Line<'_>, lanes: Lanes, out: &mut String) {
        line.to(self.kernel)
            .push(lanes.style(), lanes.kernel(self.render))
            .end(out);
    }
}
