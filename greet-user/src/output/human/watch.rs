// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any traffic for people: a line for each message, one for each exchange's times.

use std::io::{self, Write};

use super::{
    BOLD, DIM, ERROR, Human, TO_KERNEL, TO_USER,
    ladder::process,
    text::{content, error_text, flags, kind, microseconds},
};
use crate::{
    event::{Datagram, Direction, Head, Loss, escaped, protocol_name},
    journey::{Exchange, Status, Told},
    output::{Observed, System, Watcher, json::extack_text},
};

impl<W: Write> Watcher for Human<W> {
    fn start(&mut self, system: &System) -> io::Result<()> {
        if !self.quiet {
            writeln!(self.out, "{BOLD}WATCH{BOLD:#} kernel {}", system.kernel)?;
        }
        for missing in &system.attached.missing {
            writeln!(self.out, "{ERROR}{missing}{ERROR:#}")?;
        }
        self.out.flush()
    }

    fn tell(&mut self, told: &Told<'_>, _callback: Option<&str>) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        match told {
            Told::Request(request) => {
                let seen = request.seen();
                self.datagram(seen.time_ns, &request.head, &request.datagram)?;
                if request.result < 0 {
                    let (errno, why) = (request.result, error_text(request.result));
                    writeln!(
                        self.out,
                        "{:16}{ERROR}sendmsg() failed: {errno} {why}{ERROR:#}",
                        ""
                    )?;
                }
                Ok(())
            }
            Told::Message(message, seen) => {
                self.datagram(seen.time_ns, &message.head, &message.datagram)
            }
            Told::Loss(loss) => self.loss(loss),
            Told::Extack(extack) => {
                let text = escaped(extack_text(extack));
                let who = process(&extack.head);
                writeln!(
                    self.out,
                    "{:16}{ERROR}the kernel says to {who}: {text}{ERROR:#}",
                    ""
                )
            }
            Told::Exchange(exchange) => self.exchange(exchange),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn summary(&mut self, observed: &Observed) -> io::Result<()> {
        let counts = &observed.counts;
        writeln!(self.out, "\n{BOLD}--- what was seen ---{BOLD:#}")?;
        writeln!(
            self.out,
            "{} requests ({} refused), {} messages to processes, {} read",
            counts.requests, counts.refused, counts.messages, counts.deliveries
        )?;
        let lost = counts.overruns + counts.failed;
        let style = if lost > 0 { ERROR } else { DIM };
        writeln!(
            self.out,
            "{style}{} overruns, {} answers not handed over{style:#}",
            counts.overruns, counts.failed
        )?;
        for (name, times) in &observed.spans {
            writeln!(
                self.out,
                "{name:<10} min/p50/p99/max = {}/{}/{}/{} µs ({} times)",
                microseconds(times.min),
                microseconds(times.p50),
                microseconds(times.p99),
                microseconds(times.max),
                times.count
            )?;
        }
        let style = if observed.events_dropped > 0 {
            ERROR
        } else {
            DIM
        };
        write!(
            self.out,
            "{} events seen, {style}{} dropped{style:#}",
            observed.events, observed.events_dropped
        )?;
        if observed.calls_missed > 0 {
            let missed = observed.calls_missed;
            write!(
                self.out,
                ", {ERROR}{missed} calls (of any process) missed{ERROR:#}"
            )?;
        }
        writeln!(self.out)?;
        self.out.flush()
    }
}

impl<W: Write> Human<W> {
    /// One message, on one line.
    fn datagram(&mut self, time_ns: u64, head: &Head, datagram: &Datagram) -> io::Result<()> {
        let (seconds, rest) = (time_ns / 1_000_000_000, time_ns % 1_000_000_000 / 1_000);
        let direction = datagram.direction();
        let (style, arrow) = match direction {
            Direction::UserToKernel => (TO_KERNEL, "->"),
            Direction::KernelToUser => (TO_USER, "<-"),
            Direction::UserToUser => (TO_KERNEL, "=>"),
            Direction::KernelToKernel => (DIM, "<>"),
        };
        let name = protocol_name(datagram.protocol).map(|name| name.trim_start_matches("NETLINK_"));
        let name = name.map_or_else(|| datagram.protocol.to_string(), str::to_owned);
        let port = match direction {
            Direction::UserToKernel => datagram.portid.to_string(),
            Direction::UserToUser => format!("{} to {}", datagram.portid, datagram.peer_portid),
            _ => datagram.peer_portid.to_string(),
        };
        let group = match datagram.group {
            0 => String::new(),
            group => format!(" group {group}"),
        };
        write!(
            self.out,
            "{DIM}{seconds:>6}.{rest:06}{DIM:#} {style}{arrow}{style:#} {:<20} {name} port {port}{group} {} bytes",
            process(head),
            datagram.len
        )?;
        for header in &datagram.headers() {
            let (kind, flags, seq) = (kind(datagram, header), flags(header), header.seq);
            write!(self.out, " [{kind} {flags} seq {seq}]")?;
        }
        match datagram.error() {
            Some(0) => write!(self.out, " {TO_USER}ACK{TO_USER:#}")?,
            Some(errno) => {
                write!(
                    self.out,
                    " {ERROR}error {errno} {}{ERROR:#}",
                    error_text(errno)
                )?;
            }
            None if datagram.text().is_some() => write!(self.out, " {}", content(datagram))?,
            None if datagram.data.is_empty() && datagram.len > 0 => {
                write!(self.out, " {DIM}(its bytes were not seen){DIM:#}")?;
            }
            None => {}
        }
        writeln!(self.out)
    }

    fn loss(&mut self, loss: &Loss) -> io::Result<()> {
        let (port, who, why) = (loss.portid, process(&loss.head), error_text(loss.result));
        let what = if loss.overrun == 0 {
            format!("an answer to port {port} was not handed over: {why} (in {who})")
        } else {
            format!("port {port} lost a message: its receive queue is full (ENOBUFS; in {who})")
        };
        writeln!(self.out, "{:16}{ERROR}{what}{ERROR:#}", "")
    }

    /// An exchange's times, and who read a message that nobody asked for.
    fn exchange(&mut self, exchange: &Exchange) -> io::Result<()> {
        let times: Vec<_> = exchange
            .spans()
            .map(|(name, ns)| format!("{name} {}", microseconds(ns)))
            .collect();
        let status = exchange.status();
        let readers = exchange.passed.iter().filter_map(|passed| {
            let read = passed.delivery.as_ref()?;
            let other = status == Status::Notification || exchange.is_itself(passed);
            other.then(|| process(&read.head))
        });
        let readers: Vec<_> = readers.collect();
        let by = match readers.as_slice() {
            [] => String::new(),
            readers => format!(" read by {}", readers.join(", ")),
        };
        let unit = if times.is_empty() { "" } else { " µs" };
        writeln!(
            self.out,
            "{:16}{DIM}{}{by}: {}{unit}{DIM:#}",
            "",
            status.name(),
            times.join(", ")
        )
    }
}
