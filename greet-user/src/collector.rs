// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sends exchanges to an OpenTelemetry collector from its own thread. A collector that is down,
//! slow or just back up never slows tracing: what it does not accept waits in a bounded queue, what
//! does not fit is dropped, and every exchange is counted, sent or not.

mod client;
mod counts;
mod endpoint;
#[cfg(feature = "metrics")]
mod metrics;
mod otlp;
mod queue;
mod resource;
mod worker;

use std::{cell::Cell, io, sync::Arc, thread, time::Duration};

use opentelemetry_otlp::{
    ExporterBuildError, Protocol, RetryPolicy, SpanExporter, WithExportConfig as _,
    WithHttpConfig as _,
};
use opentelemetry_sdk::trace::SpanExporter as _;

pub use counts::{Counts, Ended};
pub use endpoint::{Endpoint, endpoint};
#[cfg(feature = "metrics")]
pub use metrics::Sending;
#[cfg(test)]
pub use otlp::spans;
pub use otlp::{Clock, Otlp, Sample};

use client::{Client, Seen};
use greet_trace::run::System;
use queue::Queue;
use worker::Worker;

/// Queues exchanges for the sending thread.
pub struct Sender {
    queue: Arc<Queue>,
    counts: Arc<Counts>,
    /// Until the run starts.
    prepared: Option<(SpanExporter, Arc<Seen>)>,
    thread: Option<thread::JoinHandle<()>>,
    endpoint: Endpoint,
    is_live: bool,
    /// How long to wait for room in the queue.
    patience: Cell<Duration>,
}

/// A recording can wait for a collector that makes progress; a live run cannot.
const PATIENCE: Duration = Duration::from_secs(15);

impl Sender {
    /// Prepares to send to this collector. Sends nothing and starts no thread before the run
    /// starts. `is_live`: the exchanges happen on this machine.
    ///
    /// # Errors
    /// If the environment asks for something unsupported.
    pub fn to(endpoint: &Endpoint, is_live: bool) -> Result<Self, ExporterBuildError> {
        let seen = Arc::<Seen>::default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(Arc::clone(&seen)))
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.to_string())
            .with_timeout(client::PATIENCE)
            // The worker retries: it knows when the run ends.
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        Ok(Self {
            queue: Arc::default(),
            counts: Arc::default(),
            prepared: Some((exporter, seen)),
            thread: None,
            endpoint: endpoint.clone(),
            is_live,
            patience: Cell::new(if is_live { Duration::ZERO } else { PATIENCE }),
        })
    }

    /// The counts, for display.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn sending(&self) -> Sending {
        Sending::of(Arc::clone(&self.counts), Arc::clone(&self.queue))
    }

    /// Starts sending.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(&mut self, system: &System) -> io::Result<()> {
        let Some((mut exporter, seen)) = self.prepared.take() else {
            return Ok(());
        };
        exporter.set_resource(&resource::of(system, self.is_live));
        let worker = Worker {
            exporter,
            seen,
            queue: Arc::clone(&self.queue),
            counts: Arc::clone(&self.counts),
            clock: Clock::of(system.boot_time_unix_ns),
            is_live: self.is_live,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::Builder::new().name("otlp".to_owned());
        let work = move || {
            runtime.block_on(worker.run());
            // Do not wait for a slow name lookup.
            runtime.shutdown_background();
        };
        self.thread = Some(thread.spawn(work)?);
        Ok(())
    }

    /// Queues as many exchanges as fit. A live run never waits for the collector.
    pub fn send(&self, batch: &mut Vec<Sample>) {
        if !batch.is_empty() {
            let dropped = self.queue.put(batch, self.patience.get());
            self.counts.full(dropped);
            if dropped > 0 {
                // Waiting did not help: do not wait again.
                self.patience.set(Duration::ZERO);
            }
        }
    }

    /// Sends what is left, for a bounded time, and returns the outcome.
    #[must_use]
    pub fn finish(&mut self) -> Ended {
        self.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::warn!("the thread that sends to the collector has failed");
        }
        self.counts.ended(self.queue.clear());
        self.counts.told(&self.endpoint)
    }
}
