// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sending thread: takes exchanges from the queue, sends them, and retries while the collector
//! is unreachable.

use std::{sync::Arc, time::Duration};

use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Counts,
    client::{Answer, Seen},
    otlp::{Clock, Sample, spans},
    queue::Queue,
};
use crate::signals::{Stop, deadline};

/// Exchanges per request: some 4,000 spans, or a megabyte.
const BATCH: usize = 512;
/// Delay before the first retry; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Longest delay, unless the collector asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// After the end of the run: how long the remaining exchanges may take.
const LAST_WAIT: Duration = Duration::from_secs(5);
/// The same if we were asked to exit: before the deadline (`signals/deadline.rs`).
const ASKED_WAIT: Duration = Duration::from_secs(1);
/// Delay between retries after the end of the run.
const LAST_RETRY: Duration = Duration::from_millis(500);

/// What the sending thread works with.
pub(super) struct Worker {
    pub(super) exporter: SpanExporter,
    pub(super) seen: Arc<Seen>,
    pub(super) queue: Arc<Queue>,
    pub(super) counts: Arc<Counts>,
    pub(super) clock: Clock,
    pub(super) is_live: bool,
}

impl Worker {
    /// Runs until the queue is closed and empty, or has been closed for long enough.
    pub(super) async fn run(self) {
        tokio::select! {
            () = self.send_all() => {}
            () = self.over() => {}
        }
    }

    async fn send_all(&self) {
        loop {
            let batch = self.queue.take(BATCH).await;
            if batch.is_empty() {
                return;
            }
            self.send(&batch).await;
            self.queue.done(&batch);
        }
    }

    /// Sends a batch, retrying as needed.
    async fn send(&self, batch: &[Sample]) {
        let spans: Vec<_> = batch
            .iter()
            .flat_map(|sample| spans(sample, &self.clock))
            .collect();
        let mut wait = FIRST_WAIT;
        loop {
            let exported = self.exporter.export(spans.clone()).await;
            let answer = self.seen.take().unwrap_or_else(|| Answer::Refused {
                why: exported
                    .err()
                    .map_or_else(String::new, |error| error.to_string()),
            });
            match answer {
                Answer::Taken { rejected, why } => {
                    // The answer does not name them: each may belong to a different exchange.
                    let refused = rejected.min(batch.len());
                    if refused > 0 {
                        self.trouble(&format!("{rejected} spans were rejected: {why}"));
                    }
                    self.counts.refused(refused);
                    self.counts.sent(batch.len() - refused);
                    return;
                }
                Answer::Refused { why } => {
                    self.trouble(&why);
                    self.counts.refused(batch.len());
                    return;
                }
                Answer::Later { after, why } => {
                    self.trouble(&why);
                    self.pause(after.unwrap_or(wait)).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    fn trouble(&self, why: &str) {
        if self.counts.trouble(why) {
            log::warn!("otlp: {why}");
        }
    }

    /// Waits, with a jitter of 25 % either way, so that machines do not retry in lockstep. Cut
    /// short once the run is over.
    async fn pause(&self, wait: Duration) {
        let due = Instant::now() + wait.mul_f64(0.75 + 0.5 * fraction());
        tokio::select! {
            () = sleep_until(due) => {}
            () = self.queue.closed() => sleep_until(due.min(Instant::now() + LAST_RETRY)).await,
        }
    }

    /// Returns once the run has been over for long enough, or on a signal.
    async fn over(&self) {
        self.queue.closed().await;
        let Ok(mut stop) = Stop::listen() else {
            return sleep(LAST_WAIT).await;
        };
        if self.queue.len() > 0 {
            log::warn!("otlp: sending the remaining exchanges; Ctrl-C drops them");
        }
        loop {
            let before = self.queue.len();
            let wait = match deadline::is_set() {
                true => ASKED_WAIT,
                false => LAST_WAIT,
            };
            let told = stop.or(sleep(wait)).await.is_none();
            // A recording may take longer, as long as it makes progress.
            if told || self.is_live || self.queue.len() == before {
                return;
            }
        }
    }
}

/// At least 0 and below 1: from the clock's last digits, as it need not be unpredictable.
fn fraction() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    f64::from(now.map_or(0, |now| now.subsec_nanos()) % 1_000) / 1_000.0
}
