// SPDX-License-Identifier: MIT OR Apache-2.0
//! The counters as text. Each family is written whole before the next, as the formats require.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use greet_trace::journey::{COMPLETE, SPANS, Status};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge, info::Info},
    registry::{Registry, Unit},
};

use super::{
    Shared,
    errors::{Errors, Losses},
    plain::plain,
    row::Row,
    table::{PROTOCOLS, labels},
    times::Counter,
};

/// The text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// OpenMetrics 1.0.0.
    Open,
    /// Prometheus' text format 0.0.4.
    Plain,
}

/// Reads the counts so far, any number of times and from any thread.
pub struct Scrape {
    registry: Registry,
}

/// The values and their names.
struct Counted {
    shared: Arc<Shared>,
    protocols: [String; PROTOCOLS],
    began: f64,
}

impl Scrape {
    pub(super) fn of(shared: Arc<Shared>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut registry = Registry::with_prefix("greet");
        registry.register_collector(Box::new(Counted {
            shared,
            protocols: labels(),
            began: now.map_or(0.0, |now| now.as_secs_f64()),
        }));
        Self { registry }
    }

    /// Adds counts from elsewhere.
    pub fn and(&mut self, collector: Box<dyn Collector>) {
        self.registry.register_collector(collector);
    }

    /// All metrics as they are now.
    ///
    /// # Errors
    /// None: a `String` accepts any text.
    pub fn text(&self, syntax: Syntax) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(match syntax {
            Syntax::Open => text,
            Syntax::Plain => plain(&text),
        })
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Counted")
    }
}

impl Collector for Counted {
    fn encode(&self, mut out: DescriptorEncoder<'_>) -> fmt::Result {
        let rows = self.shared.rows().clone();
        self.run(&mut out)?;
        self.spans(&mut out, &rows)?;
        self.rows(&mut out, &rows)?;
        self.exchanges(&mut out, &rows)?;
        self.losses(&mut out)
    }
}

/// A counter of each row.
type OfRow = (
    &'static str,
    Option<Unit>,
    &'static str,
    fn(&Row) -> &Counter,
);

/// Errors of each protocol.
type OfProtocol = (&'static str, &'static str, fn(&Losses) -> &Errors);

impl Counted {
    /// The run itself.
    fn run(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let shared = &*self.shared;
        let is_up = i64::from(shared.is_up.load(Ordering::Relaxed));
        let help = "1 while the tracer is attached, 0 before and after";
        ConstGauge::new(is_up).encode(family(out, "up", help, None, MetricType::Gauge)?)?;
        let kernel = shared.kernel.get().map_or("", String::as_str);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION")), ("kernel", kernel)]);
        let help = "Version of the tool and of the kernel";
        build.encode(family(out, "build", help, None, MetricType::Info)?)?;
        let help = "Start of the run, in seconds since 1970";
        let unit = Some(Unit::Seconds);
        let began = family(out, "start_time", help, unit.as_ref(), MetricType::Gauge)?;
        ConstGauge::new(self.began).encode(began)?;
        for (name, help, counter) in [
            (
                "events",
                "Records received from the eBPF programs",
                &shared.events,
            ),
            (
                "events_dropped",
                "Records that did not fit into the ring buffer; their content is missing from all other metrics",
                &shared.events_dropped,
            ),
            (
                "calls_missed",
                "Calls, by any process, for which the kernel could not run the eBPF programs",
                &shared.calls_missed,
            ),
            (
                "exchanges_folded",
                "Exchanges counted as process=\"other\" because of --metrics-processes",
                &shared.folded,
            ),
        ] {
            let family = family(out, name, help, None, MetricType::Counter)?;
            ConstCounter::new(counter.get()).encode(family)?;
        }
        Ok(())
    }

    fn spans(&self, out: &mut DescriptorEncoder<'_>, rows: &[Arc<Row>]) -> fmt::Result {
        let help = "Time between two stages of an exchange, by span; of several replies the first counts, except in complete";
        let unit = Some(Unit::Seconds);
        let mut family = family(out, "span", help, unit.as_ref(), MetricType::Histogram)?;
        for row in rows {
            let spans = SPANS.into_iter().map(|(span, ..)| span).zip(&row.spans);
            for (span, times) in spans.chain([(COMPLETE, &row.complete)]) {
                let Some(times) = times.get() else {
                    continue;
                };
                let labels = [
                    ("protocol", &*self.protocols[row.protocol]),
                    ("process", &*row.process),
                    ("span", span),
                ];
                let buckets = times.buckets();
                let count = buckets.iter().map(|(_, count)| count).sum();
                let mut metric = family.encode_family(&labels)?;
                metric.encode_histogram::<NoLabelSet>(times.sum(), count, &buckets, None)?;
            }
        }
        Ok(())
    }

    fn rows(&self, out: &mut DescriptorEncoder<'_>, rows: &[Arc<Row>]) -> fmt::Result {
        let bytes = || Some(Unit::Bytes);
        let all: [OfRow; 5] = [
            ("requests", None, "Messages sent by processes", |row| {
                &row.requests
            }),
            (
                "request",
                bytes(),
                "Bytes sent by processes, in whole messages",
                |row| &row.request_bytes,
            ),
            (
                "messages",
                None,
                "Messages queued to sockets, by the process whose call queued them",
                |row| &row.messages,
            ),
            (
                "message",
                bytes(),
                "Bytes queued to sockets, in whole messages",
                |row| &row.message_bytes,
            ),
            ("deliveries", None, "Messages read, by the reader", |row| {
                &row.deliveries
            }),
        ];
        for (name, unit, help, counter) in all {
            let mut family = family(out, name, help, unit.as_ref(), MetricType::Counter)?;
            for row in rows {
                let labels = [
                    ("protocol", &*self.protocols[row.protocol]),
                    ("process", &*row.process),
                ];
                count(&mut family, &labels, counter(row).get())?;
            }
        }
        Ok(())
    }

    fn exchanges(&self, out: &mut DescriptorEncoder<'_>, rows: &[Arc<Row>]) -> fmt::Result {
        let help = "Requests with their replies, and unrequested messages, by status";
        let mut family = family(out, "exchanges", help, None, MetricType::Counter)?;
        for row in rows {
            for (status, counter) in Status::ALL.into_iter().zip(&row.exchanges) {
                let labels = [
                    ("protocol", &*self.protocols[row.protocol]),
                    ("process", &*row.process),
                    ("status", status.name()),
                ];
                count(&mut family, &labels, counter.get())?;
            }
        }
        Ok(())
    }

    fn losses(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let seen = self.shared.protocols.iter().zip(&self.protocols);
        let seen = seen.filter_map(|(losses, name)| Some((losses.get()?, name.as_str())));
        let help = "Messages lost because a receive queue was full (ENOBUFS)";
        let mut overruns = family(out, "overruns", help, None, MetricType::Counter)?;
        for (losses, protocol) in seen.clone() {
            count(
                &mut overruns,
                &[("protocol", protocol)],
                losses.overruns.get(),
            )?;
        }
        let all: [OfProtocol; 2] = [
            (
                "failures",
                "Messages that could not be delivered, or that recvmsg() failed to copy, by error",
                |losses| &losses.failures,
            ),
            (
                "refusals",
                "Requests that failed or were answered with an error, by error",
                |losses| &losses.refusals,
            ),
        ];
        for (name, help, errors) in all {
            let mut family = family(out, name, help, None, MetricType::Counter)?;
            for (losses, protocol) in seen.clone() {
                for (error, occurred) in errors(losses).occurred() {
                    let labels = [("protocol", protocol), ("error", error.as_str())];
                    count(&mut family, &labels, occurred)?;
                }
            }
        }
        Ok(())
    }
}

fn count<const N: usize>(
    family: &mut MetricEncoder<'_>,
    labels: &[(&str, &str); N],
    count: u64,
) -> fmt::Result {
    let mut metric = family.encode_family(labels)?;
    metric.encode_counter::<NoLabelSet, u64, u64>(&count, None)
}

fn family<'a>(
    out: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &str,
    unit: Option<&'a Unit>,
    kind: MetricType,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    out.encode_descriptor(name, &format!("{help}."), unit, kind)
}
