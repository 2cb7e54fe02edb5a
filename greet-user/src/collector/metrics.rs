// SPDX-License-Identifier: MIT OR Apache-2.0
//! The collector's counts, for scrapes.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet},
    metrics::{MetricType, gauge::ConstGauge},
};

use super::{Counts, Queue};

/// Reads the counts so far.
#[derive(Clone)]
pub struct Sending {
    counts: Arc<Counts>,
    queue: Arc<Queue>,
}

impl Sending {
    pub(super) const fn of(counts: Arc<Counts>, queue: Arc<Queue>) -> Self {
        Self { counts, queue }
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sending")
    }
}

impl Collector for Sending {
    fn encode(&self, mut out: DescriptorEncoder<'_>) -> fmt::Result {
        let [sent, full, refused, ended] = self.counts.so_far();
        let help = "Exchanges accepted by the OpenTelemetry collector.";
        let mut family =
            out.encode_descriptor("otlp_exchanges_sent", help, None, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, u64, u64>(&sent, None)?;
        let help = "Exchanges not accepted by the OpenTelemetry collector, by reason.";
        let mut family =
            out.encode_descriptor("otlp_exchanges_unsent", help, None, MetricType::Counter)?;
        for (reason, count) in [("queue_full", full), ("refused", refused), ("ended", ended)] {
            let labels = [("reason", reason)];
            let mut metric = family.encode_family(&labels)?;
            metric.encode_counter::<NoLabelSet, u64, u64>(&count, None)?;
        }
        let help = "Exchanges queued for the OpenTelemetry collector, or being sent to it.";
        let waiting = out.encode_descriptor("otlp_queue", help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(self.queue.len()).unwrap_or(i64::MAX)).encode(waiting)
    }
}
