// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any traffic as a capture file for Wireshark and similar tools (pcapng,
//! draft-ietf-opsawg-pcapng). Each request and each queued message is a packet, with a comment that
//! tells its whole story.
//!
//! How a message is read is known later than the message itself. So packets are held back, in order
//! of time, until their exchange ends, but no longer than [`PATIENCE_NS`] by the clock of the
//! events, the only clock here. Output is written in whole blocks: a run that is killed leaves a
//! readable file.

mod comment;
mod file;
mod held;
mod packet;

use std::io::{self, Write};

use greet_trace::{
    event::Head,
    journey::{Exchange, Update},
    run::{Opening, Summary},
};

use crate::view::View;
use file::File;
use held::{Held, Key, Part};
use packet::Packet;

/// How long a packet waits for the end of its exchange: ns.
const PATIENCE_NS: u64 = 500_000_000;
/// Bytes of held messages that trigger a check for packets that can be written: no flush comes
/// while there is always more to read.
const ROOM: usize = 4 << 20;

/// Writes a capture file.
pub struct Pcapng<W: Write> {
    file: File<W>,
    held: Held,
    /// Wall-clock time at 0 of CLOCK_MONOTONIC: ns since 1970.
    boot_ns: u64,
    /// The newest time seen: CLOCK_MONOTONIC, ns.
    newest_ns: u64,
}

impl<W: Write> Pcapng<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            file: File::new(out),
            held: Held::default(),
            boot_ns: 0,
            newest_ns: 0,
        }
    }

    fn hold(&mut self, time_ns: u64, last_ns: u64, part: Part) -> io::Result<()> {
        self.newest_ns = self.newest_ns.max(time_ns).max(last_ns);
        // If the time is unknown: not before what is known.
        let time_ns = if time_ns == 0 {
            self.newest_ns
        } else {
            time_ns
        };
        self.held.put(time_ns, part);
        if self.held.bytes() > ROOM {
            self.write_ready()?;
        }
        Ok(())
    }

    fn note(&mut self, time_ns: u64, head: &Head, note: String) {
        self.newest_ns = self.newest_ns.max(time_ns);
        self.held.note(Key::call_of(head), note);
    }

    /// Gives each packet of an exchange its final comment.
    fn end(&mut self, exchange: &Exchange, callback: Option<&str>) {
        if let Some(request) = &exchange.request {
            let story = || comment::of_request(request, Some(exchange), callback);
            self.held.end(&Key::of_request(request), story);
        }
        for queued in &exchange.queued {
            if let Some(read) = &queued.delivery {
                self.newest_ns = self.newest_ns.max(read.delivered_ns);
            }
            if exchange.is_itself(queued) {
                continue;
            }
            let story = || comment::of_answer(queued, exchange);
            self.held.end(&Key::of_message(&queued.message), story);
        }
    }

    /// Writes the packets that no longer wait for anything, oldest first.
    fn write_ready(&mut self) -> io::Result<()> {
        let until_ns = self.newest_ns.saturating_sub(PATIENCE_NS);
        while let Some(waiting) = self.held.take(until_ns) {
            self.write(&waiting)?;
        }
        self.file.flush()
    }

    fn write(&mut self, waiting: &held::Waiting) -> io::Result<()> {
        let comment = waiting.comment();
        let packet = match &waiting.part {
            Part::Request(request) => Packet::of_request(request),
            Part::Message(message, _) => Packet::of_message(message),
        };
        let time_ns = self.boot_ns.saturating_add(waiting.time_ns);
        self.file.packet(time_ns, &packet, &comment)
    }
}

impl<W: Write> View for Pcapng<W> {
    fn open(&mut self, opening: &Opening) -> io::Result<()> {
        let system = opening.system();
        self.boot_ns = system.boot_time_unix_ns;
        self.file.start(system, &comment::of_interface(system))
    }

    fn update(&mut self, update: &Update<'_>, callback: Option<&str>) -> io::Result<()> {
        match update {
            Update::Request(request) => {
                let part = Part::Request((*request).clone());
                return self.hold(request.seen().time_ns, request.sent_ns, part);
            }
            Update::Message(message, seen) => {
                let time_ns = match message.queue_ns {
                    0 => seen.time_ns,
                    queue_ns => queue_ns,
                };
                let part = Part::Message((*message).clone(), *seen);
                return self.hold(time_ns, 0, part);
            }
            Update::Loss(loss) => self.note(loss.time_ns, &loss.head, comment::of_loss(loss)),
            Update::Extack(extack, seq) => {
                self.note(
                    extack.time_ns,
                    &extack.head,
                    comment::of_extack(extack, *seq),
                );
            }
            Update::Exchange(exchange) => self.end(exchange, callback),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_ready()
    }

    fn close(&mut self, summary: &Summary) -> io::Result<()> {
        while let Some(waiting) = self.held.take(u64::MAX) {
            self.write(&waiting)?;
        }
        let time_ns = self.boot_ns.saturating_add(self.newest_ns);
        let left = self.held.left();
        let comment = comment::of_summary(summary, &left);
        self.file
            .statistics(time_ns, summary.events_dropped, &comment)?;
        self.file.flush()
    }
}

#[cfg(test)]
mod tests;
