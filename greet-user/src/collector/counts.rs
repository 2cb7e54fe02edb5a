// SPDX-License-Identifier: MIT OR Apache-2.0
//! The outcome of each exchange, counted once.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::Endpoint;

/// Running counts.
#[derive(Debug, Default)]
pub struct Counts {
    sent: AtomicU64,
    full: AtomicU64,
    refused: AtomicU64,
    ended: AtomicU64,
    /// The last problem, in words.
    trouble: Mutex<Option<String>>,
}

/// The final counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Accepted by the collector.
    pub sent: u64,
    /// Dropped because the queue was full.
    pub full: u64,
    /// Refused by the collector, in whole or in part.
    pub refused: u64,
    /// Not sent by the time the run was over.
    pub ended: u64,
    /// The endpoint and the last problem, unless all were sent.
    pub trouble: Option<String>,
}

impl Counts {
    /// These were accepted.
    pub(super) fn sent(&self, exchanges: usize) {
        add(&self.sent, exchanges);
    }

    /// These had no room in the queue.
    pub(super) fn full(&self, exchanges: usize) {
        add(&self.full, exchanges);
    }

    /// These were refused.
    pub(super) fn refused(&self, exchanges: usize) {
        add(&self.refused, exchanges);
    }

    /// These were not sent in time.
    pub(super) fn ended(&self, exchanges: usize) {
        add(&self.ended, exchanges);
    }

    /// Records a problem; returns whether it differs from the last one.
    pub(super) fn trouble(&self, why: &str) -> bool {
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = last.as_deref() != Some(why);
        *last = Some(why.to_owned());
        is_new
    }

    /// Counts so far: sent, and not sent because of a full queue, a refusal or the end of the run.
    #[must_use]
    pub fn so_far(&self) -> [u64; 4] {
        [&self.sent, &self.full, &self.refused, &self.ended].map(|count| count.load(Relaxed))
    }

    pub(super) fn told(&self, endpoint: &Endpoint) -> Ended {
        let [sent, full, refused, ended] = self.so_far();
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = trouble.as_ref().filter(|_| full + refused + ended > 0);
        Ended {
            sent,
            full,
            refused,
            ended,
            trouble: trouble.map(|why| format!("{endpoint}: {why}")),
        }
    }
}

fn add(count: &AtomicU64, more: usize) {
    count.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Relaxed);
}

impl fmt::Display for Ended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sent,
            full,
            refused,
            ended,
            trouble,
        } = self;
        let unsent = full + refused + ended;
        let exchanges = if *sent == 1 { "exchange" } else { "exchanges" };
        write!(
            out,
            "otlp: {sent} {exchanges} sent, {unsent} not sent (queue full {full}, refused {refused}, \
             ended {ended})"
        )?;
        match trouble {
            Some(trouble) => write!(out, "; {trouble}"),
            None => Ok(()),
        }
    }
}
