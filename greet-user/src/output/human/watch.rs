// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any traffic for people: a ladder for each exchange when it ends. What belongs to no exchange is
//! shown at once.

use std::io::{self, Write};

use greet_trace::{
    describe::{counts, extack_text},
    event::{End, Extack, Loss, Request},
    journey::{Exchange, Update},
    run::{Summary, System},
};

use super::{
    Human,
    ladder::{self, Ladder},
    line::Line,
    oneline,
    render::{BOLD, DIM, ERROR, PLAIN},
    summary,
    text::{clock, counted, error_name, owner, process},
};

impl<W: Write> Human<W> {
    /// The start of a run that watches traffic.
    pub(super) fn watch(&mut self, system: &System) -> io::Result<()> {
        let mut out = String::new();
        self.sentence(BOLD, &format!("WATCH kernel {}", system.kernel), &mut out);
        for missing in &system.attached.missing {
            self.sentence(ERROR, missing, &mut out);
        }
        if self.render.oneline && !self.quiet {
            oneline::titles(&self.render, &mut out);
        }
        self.write(&out)
    }

    /// An update of such a run.
    pub(super) fn traffic(
        &mut self,
        update: &Update<'_>,
        callback: Option<&str>,
    ) -> io::Result<()> {
        let mut out = String::new();
        match update {
            // Its losses and extended ACKs follow, and are drawn with it.
            Update::Request(request) => {
                self.call = request.head.call;
                if request.end == End::Crossed {
                    self.crossed(request, &mut out);
                }
            }
            Update::Message(..) => {}
            Update::Loss(loss) if self.is_drawn_later(loss.head.call) => {}
            Update::Loss(loss) => self.loss(loss, &mut out),
            Update::Extack(extack, _) if self.is_drawn_later(extack.head.call) => {}
            Update::Extack(extack, _) => self.extack(extack, &mut out),
            Update::Exchange(exchange) => self.exchange(exchange, callback, &mut out),
        }
        self.write(&out)
    }

    /// The end of such a run.
    pub(super) fn observed(&mut self, observed: &Summary) -> io::Result<()> {
        let (render, counts) = (self.render, &observed.counts);
        let mut out = String::from("\n");
        self.sentence(BOLD, "--- netlink statistics ---", &mut out);
        self.sentence(PLAIN, &counts::seen(observed), &mut out);
        if let Some(lost) = counts::lost(observed) {
            let style = if counts.lost() > 0 { ERROR } else { DIM };
            self.sentence(style, &lost, &mut out);
        }
        if counts.cut_short > 0 {
            let told = counted(counts.cut_short, "exchange", "exchanges");
            let text =
                format!("{told} shown before their replies were read: too many were waiting");
            self.sentence(ERROR, &text, &mut out);
        }
        let (events, dropped) = (observed.events, observed.events_dropped);
        summary::events(events, dropped, observed.calls_missed, &render, &mut out);
        summary::spans(&observed.spans, &render, &mut out);
        summary::histogram(&observed.totals, &render, &mut out);
        self.write(&out)
    }

    /// Does it belong to the last request reported?
    const fn is_drawn_later(&self, call: u64) -> bool {
        call != 0 && call == self.call
    }

    fn exchange(&self, exchange: &Exchange, callback: Option<&str>, out: &mut String) {
        if self.render.oneline {
            oneline::exchange(exchange, &self.render, out);
            return;
        }
        let ladder = Ladder::new(exchange, callback, &self.render);
        out.push('\n');
        ladder.draw(out);
        ladder.end(out);
        if self.render.bytes {
            ladder.bytes(out);
        }
    }

    /// What is known of a request before the kernel handles it.
    fn crossed(&self, request: &Request, out: &mut String) {
        let mut so_far = Exchange::default();
        so_far.request = Some(request.clone());
        self.exchange(&so_far, None, out);
    }

    fn loss(&self, loss: &Loss, out: &mut String) {
        if self.render.oneline {
            oneline::loss(loss, &self.render, out);
            return;
        }
        let (port, why) = (loss.portid, error_name(loss.result));
        let who = process(&loss.head, usize::MAX, &self.render);
        let what = match (loss.overrun, &loss.owner) {
            (0, _) => format!("a message to port {port} could not be delivered: {why} (in {who})"),
            (_, Some(found)) => {
                let found = owner(found, &self.render);
                format!(
                    "{found} lost a message to port {port}: its receive queue is full ({why}; in {who})"
                )
            }
            (_, None) => {
                format!("port {port} lost a message: its receive queue is full ({why}; in {who})")
            }
        };
        self.stamped(loss.time_ns, &what, out);
    }

    fn extack(&self, extack: &Extack, out: &mut String) {
        if self.render.oneline {
            oneline::extack(extack, &self.render, out);
            return;
        }
        let text = self.render.shown(extack_text(extack));
        let who = process(&extack.head, usize::MAX, &self.render);
        self.stamped(
            extack.time_ns,
            &format!("extended ACK to {who}: {text}"),
            out,
        );
    }

    /// A sentence about what went wrong, with its time.
    fn stamped(&self, time_ns: u64, text: &str, out: &mut String) {
        let indent = ladder::USER;
        let columns = self.render.width.saturating_sub(indent).max(20);
        out.push('\n');
        let text = self.render.shown(text.as_bytes());
        for (at, text) in super::line::wrapped(&text, columns).iter().enumerate() {
            let mut line = Line::new(&self.render);
            if at == 0 {
                line.push(DIM, &clock(time_ns));
            }
            line.to(indent).push(ERROR, text).end(out);
        }
    }
}
