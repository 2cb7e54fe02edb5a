// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exchange as a trace:
//! ```text
//! route RTM_GETLINK          from its first stage to its last
//! ├ copy_in                  the named spans
//! ├ dispatch
//! ├ handler
//! │ ├ build                  what lies in the handler
//! │ └ enqueue
//! ├ return
//! ├ queue_wait
//! └ copy_out
//! ```
//! Replies, losses and extended ACKs are events of the first.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use greet_trace::{
    describe,
    journey::{FIRST_REPLY, SPANS, Status},
};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Event, SpanContext, SpanId, SpanKind, Status as SpanStatus, TraceFlags, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::{
    Sample,
    attributes::{kind, of_answer, of_exchange, of_extack, of_loss, protocol, reason},
    ids::Ids,
};

/// The time origin, and who reports.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Wall-clock time at 0 of CLOCK_MONOTONIC: ns since 1970.
    pub boot_ns: u64,
    /// Who reports.
    pub scope: InstrumentationScope,
}

impl Clock {
    /// For a machine booted at this time.
    #[must_use]
    pub fn of(boot_ns: u64) -> Self {
        let scope = InstrumentationScope::builder("greet-user");
        Self {
            boot_ns,
            scope: scope.with_version(env!("CARGO_PKG_VERSION")).build(),
        }
    }

    fn time(&self, monotonic_ns: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.boot_ns.saturating_add(monotonic_ns))
    }
}

/// A time range: CLOCK_MONOTONIC, ns.
#[derive(Clone, Copy)]
struct Times {
    from_ns: u64,
    to_ns: u64,
}

impl Times {
    const fn has(self, other: Self) -> bool {
        self.from_ns <= other.from_ns && other.to_ns <= self.to_ns
    }
}

/// The spans of one exchange; the first is the root.
#[must_use]
pub fn spans(sample: &Sample, clock: &Clock) -> Vec<SpanData> {
    let exchange = &sample.exchange;
    let begun = describe::owner(exchange).zip(describe::datagram(exchange));
    let Some((head, datagram)) = begun else {
        return Vec::new();
    };
    let whole = whole(sample);
    let ids = Ids::of(clock.boot_ns, whole.from_ns, datagram.netns, sample.number);
    let mut name = protocol(head.protocol);
    if let Some(kind) = kind(datagram) {
        name = format!("{name} {kind}");
    }
    let span = |number, parent, kind, times: Times, name: String, attributes| SpanData {
        span_context: SpanContext::new(
            ids.trace(),
            ids.span(number),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: parent,
        parent_span_is_remote: false,
        span_kind: kind,
        name: name.into(),
        start_time: clock.time(times.from_ns),
        end_time: clock.time(times.to_ns),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: SpanStatus::Unset,
        instrumentation_scope: clock.scope.clone(),
    };
    let attributes = of_exchange(sample, head, datagram);
    let mut root = span(
        0,
        SpanId::INVALID,
        root_kind(sample),
        whole,
        name,
        attributes,
    );
    root.events = events(sample, clock);
    if let Some(reason) = reason(sample) {
        root.status = SpanStatus::error(reason);
    }
    let mut all = vec![root];
    let found = |name| named(sample, name);
    for (number, (name, ..)) in (1..).zip(SPANS) {
        let Some(times) = found(name).filter(|_| name != FIRST_REPLY) else {
            continue;
        };
        let inside = found("handler")
            .filter(|handler| matches!(name, "build" | "enqueue") && handler.has(times));
        let parent = ids.span(inside.map_or(0, |_| HANDLER));
        let (kind, attributes) = match (name, &sample.callback) {
            ("handler", Some(callback)) => {
                let called = KeyValue::new("code.function.name", callback.to_string());
                (SpanKind::Server, vec![called])
            }
            ("handler", None) => (SpanKind::Server, Vec::new()),
            _ => (SpanKind::Internal, Vec::new()),
        };
        all.push(span(
            number,
            parent,
            kind,
            times,
            name.to_owned(),
            attributes,
        ));
    }
    all
}

/// The handler's position among the spans, counted from 1.
const HANDLER: u64 = 3;

fn named(sample: &Sample, name: &str) -> Option<Times> {
    let (_, from, to) = SPANS.into_iter().find(|(known, ..)| *known == name)?;
    let from_ns = sample.exchange.stage(from)?;
    let to_ns = sample.exchange.stage(to)?;
    (from_ns <= to_ns).then_some(Times { from_ns, to_ns })
}

/// From the first stage to the last, including those of all replies.
fn whole(sample: &Sample) -> Times {
    let stages = sample.exchange.stages();
    let from_ns = stages.first().map_or(sample.delivered_ns, |(_, ns)| *ns);
    let to_ns = stages.last().map_or(from_ns, |(_, ns)| *ns);
    Times {
        from_ns,
        to_ns: to_ns.max(sample.delivered_ns),
    }
}

const fn root_kind(sample: &Sample) -> SpanKind {
    match sample.status {
        Status::Notification => SpanKind::Consumer,
        Status::Delivered => SpanKind::Producer,
        _ => SpanKind::Client,
    }
}

fn events(sample: &Sample, clock: &Clock) -> SpanEvents {
    let exchange = &sample.exchange;
    let mut events = Vec::new();
    let event = |name, time_ns, attributes| Event::new(name, clock.time(time_ns), attributes, 0);
    // Events at the same time stay in this order.
    for extack in &exchange.extacks {
        events.push(event("extack", extack.time_ns, of_extack(extack)));
    }
    for loss in &exchange.losses {
        events.push(event("loss", loss.time_ns, of_loss(loss)));
    }
    let notes = events.len();
    let answers = exchange.queued.iter();
    for queued in answers.filter(|queued| !exchange.is_itself(queued)) {
        let queued_ns = queued.message.seen().time_ns;
        let read = queued.delivery.as_ref();
        let time_ns = match queued_ns {
            0 => read.map_or(0, |read| read.receive_ns),
            queued_ns => queued_ns,
        };
        events.push(event("answer", time_ns, of_answer(queued)));
    }
    let told = events.len() - notes;
    events.sort_by_key(|event| event.timestamp);
    let mut all = SpanEvents::default();
    let untold = sample.answers.saturating_sub(told);
    all.dropped_count = u32::try_from(untold).unwrap_or(u32::MAX);
    all.events = events;
    all
}
