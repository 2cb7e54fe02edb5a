// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exchanges on their way to an OpenTelemetry collector. The tracing thread copies and queues the
//! part of each that is sent; spans are made of it elsewhere ([`spans`]), and nothing here ever
//! waits for the collector.

mod attributes;
mod ids;
mod span;

use std::io;

pub use span::{Clock, spans};

use greet_trace::{
    journey::{Exchange, Queued, Status, Update},
    run::{Opening, Summary},
};

use crate::{collector::Sender, notice, view::View};

/// Replies of an exchange that are sent individually.
const ANSWERS: usize = 64;
/// Extended ACKs and losses of an exchange that are sent.
const NOTES: usize = 16;
/// Bytes kept of each message: a header and an error number.
const BYTES: usize = 20;
/// Exchanges queued at once, if there is no flush in between.
const BATCH: usize = 512;

/// The part of an exchange that is sent.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Counted from 0 in this run.
    pub number: u64,
    /// The exchange, with few of its replies and few of their bytes.
    pub exchange: Exchange,
    /// The status of the whole exchange.
    pub status: Status,
    /// How many replies there were.
    pub answers: usize,
    /// How many messages of the whole exchange were lost.
    pub lost: u64,
    /// How many were truncated.
    pub truncated: u64,
    /// Was it an interrupted dump?
    pub is_interrupted: bool,
    /// From `send` until the last of its messages was delivered, ns.
    pub complete_ns: Option<u64>,
    /// When the last of them was read: CLOCK_MONOTONIC, ns; 0 if none was.
    pub delivered_ns: u64,
    /// The receive callback's name, if known.
    pub callback: Option<Box<str>>,
}

impl Sample {
    /// Copies the part to send.
    #[must_use]
    pub fn of(exchange: &Exchange, callback: Option<&str>, number: u64) -> Self {
        let answers = exchange.queued.iter();
        let answers = answers.filter(|queued| !exchange.is_itself(queued)).count();
        let read = exchange.queued.iter().filter_map(|queued| queued.delivery);
        Self {
            number,
            exchange: exchange.cut(ANSWERS, NOTES, BYTES),
            status: exchange.status(),
            answers,
            lost: exchange.lost(),
            truncated: exchange.truncated(),
            is_interrupted: exchange.is_interrupted(),
            complete_ns: exchange.complete(),
            delivered_ns: read.map(|read| read.delivered_ns).max().unwrap_or(0),
            callback: callback.map(Into::into),
        }
    }

    /// Its approximate size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let Exchange {
            queued,
            extacks,
            losses,
            ..
        } = &self.exchange;
        size_of::<Self>()
            + queued.len() * (size_of::<Queued>() + BYTES)
            + size_of_val(extacks.as_slice())
            + size_of_val(losses.as_slice())
    }
}

/// Queues exchanges for the collector.
pub struct Otlp {
    sender: Sender,
    batch: Vec<Sample>,
    number: u64,
}

impl Otlp {
    /// Sends through this sender.
    #[must_use]
    pub fn new(sender: Sender) -> Self {
        Self {
            sender,
            batch: Vec::new(),
            number: 0,
        }
    }
}

impl View for Otlp {
    fn open(&mut self, opening: &Opening) -> io::Result<()> {
        self.sender.start(opening.system())
    }

    fn update(&mut self, update: &Update<'_>, callback: Option<&str>) -> io::Result<()> {
        if let Update::Exchange(exchange) = update {
            self.batch.push(Sample::of(exchange, callback, self.number));
            self.number += 1;
            if self.batch.len() >= BATCH {
                self.sender.send(&mut self.batch);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sender.send(&mut self.batch);
        Ok(())
    }

    fn close(&mut self, _summary: &Summary) -> io::Result<()> {
        self.sender.send(&mut self.batch);
        let ended = self.sender.finish();
        notice::say(ended);
        Ok(())
    }
}
