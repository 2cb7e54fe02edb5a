// SPDX-License-Identifier: MIT OR Apache-2.0
//! The counts of one process name on one protocol.

use std::sync::OnceLock;

use greet_trace::journey::{Exchange, SPANS, Status};

use super::times::{Counter, Times};

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// The index of its protocol.
    pub(super) protocol: usize,
    /// Value of the label `process`.
    pub(super) process: Box<str>,
    /// Requests it sent.
    pub(super) requests: Counter,
    /// Their bytes.
    pub(super) request_bytes: Counter,
    /// Messages queued while it ran.
    pub(super) messages: Counter,
    /// Their bytes.
    pub(super) message_bytes: Counter,
    /// Messages it read.
    pub(super) deliveries: Counter,
    /// Exchanges by status.
    pub(super) exchanges: [Counter; Status::ALL.len()],
    /// The named spans, if seen.
    pub(super) spans: [OnceLock<Box<Times>>; SPANS.len()],
    /// From sending to the last reply.
    pub(super) complete: OnceLock<Box<Times>>,
}

impl Row {
    /// An empty row.
    pub(super) fn new(protocol: usize, process: &str) -> Self {
        Self {
            protocol,
            process: process.into(),
            ..Self::default()
        }
    }

    /// Adds an exchange that has ended.
    pub(super) fn exchange(&self, exchange: &Exchange, status: Status) {
        let at = Status::ALL.iter().position(|known| *known == status);
        if let Some(counter) = at.and_then(|at| self.exchanges.get(at)) {
            counter.add(1);
        }
        for ((_, from, to), times) in SPANS.into_iter().zip(&self.spans) {
            if let Some(span_ns) = exchange.span(from, to) {
                times.get_or_init(Box::default).observe(span_ns);
            }
        }
        if let Some(span_ns) = exchange.complete() {
            let times = self.complete.get_or_init(Box::default);
            times.observe(span_ns);
        }
    }
}
