// SPDX-License-Identifier: MIT OR Apache-2.0
//! The contents of the infrequent lines.

use serde::{Serialize, Serializer};

use greet_trace::{
    describe::extack_text,
    event::{Extack, Loss, Owner, comm, escaped},
    journey::FIRST_REPLY,
    run::Summary,
    statistics::Distribution,
};

/// The old name of the span `first_reply`, which stays until the next version of the format.
pub(super) const TOTAL: &str = "total";
/// Version of the format.
pub(super) const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    Start(StartLine<'a>),
    Loss(LossLine<'a>),
    Extack(ExtackLine<'a>),
    Summary(SummaryLine),
}

#[derive(Serialize)]
pub(super) struct StartLine<'a> {
    pub v: u32,
    pub tool: &'a str,
    pub kernel: &'a str,
    pub boot_time_unix_ns: u64,
    pub hooks: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub missing: &'a [String],
}

#[derive(Serialize)]
pub(super) struct LossLine<'a> {
    v: u32,
    t_ns: u64,
    what: &'static str,
    protocol: u32,
    netns: u32,
    portid: u32,
    pid: u32,
    tid: u32,
    #[serde(serialize_with = "as_text")]
    comm: &'a [u8],
    error: i32,
    /// The owner of the socket that lost it.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerPart<'a>>,
}

#[derive(Serialize)]
struct OwnerPart<'a> {
    pid: u32,
    #[serde(serialize_with = "as_text")]
    comm: &'a [u8],
}

#[derive(Serialize)]
pub(super) struct ExtackLine<'a> {
    v: u32,
    t_ns: u64,
    protocol: u32,
    pid: u32,
    tid: u32,
    #[serde(serialize_with = "as_text")]
    comm: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u32>,
    #[serde(serialize_with = "as_text")]
    text: &'a [u8],
}

#[derive(Serialize)]
pub(super) struct SummaryLine {
    pub v: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    pub events: u64,
    pub events_dropped: u64,
    pub calls_missed: u64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Counted>,
    #[serde(serialize_with = "object")]
    pub spans: Vec<(&'static str, Distribution)>,
}

/// The counts; what the hooks could not see is absent.
#[derive(Serialize)]
pub(super) struct Counted {
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    messages: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    died: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overruns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<u64>,
    unmatched: u64,
    cut_short: u64,
}

impl Counted {
    pub(super) fn of(observed: &Summary) -> Self {
        let (counts, watched) = (observed.counts, observed.watched);
        Self {
            requests: watched.requests.then_some(counts.requests),
            messages: counts.messages,
            deliveries: watched.deliveries.then_some(counts.deliveries),
            refused: (watched.requests && watched.bytes).then_some(counts.refused + counts.unsent),
            unsent: watched.requests.then_some(counts.unsent),
            died: Some(counts.died).filter(|died| *died > 0),
            truncated: watched.deliveries.then_some(counts.truncated),
            overruns: watched.losses.then_some(counts.overruns),
            failed: watched.losses.then_some(counts.failed),
            unmatched: counts.unmatched,
            cut_short: counts.cut_short,
        }
    }
}

impl<'a> LossLine<'a> {
    pub(super) fn of(loss: &'a Loss) -> Self {
        Self {
            v: VERSION,
            t_ns: loss.time_ns,
            what: if loss.overrun == 0 {
                "unicast_failed"
            } else {
                "overrun"
            },
            protocol: loss.head.protocol,
            netns: loss.netns,
            portid: loss.portid,
            pid: loss.head.pid,
            tid: loss.head.tid,
            comm: comm(&loss.head),
            error: loss.result,
            owner: loss.owner.as_ref().map(|owner| OwnerPart {
                pid: owner.pid,
                comm: Owner::comm(owner),
            }),
        }
    }
}

impl<'a> ExtackLine<'a> {
    pub(super) fn of(extack: &'a Extack, seq: Option<u32>) -> Self {
        Self {
            v: VERSION,
            t_ns: extack.time_ns,
            protocol: extack.head.protocol,
            pid: extack.head.pid,
            tid: extack.head.tid,
            comm: comm(&extack.head),
            seq,
            text: extack_text(extack),
        }
    }
}

fn as_text<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&escaped(bytes))
}

/// The spans, one of them also under its old name.
pub(super) fn with_total(
    mut spans: Vec<(&'static str, Distribution)>,
) -> Vec<(&'static str, Distribution)> {
    let first = spans.iter().find(|(name, _)| *name == FIRST_REPLY);
    let total = first.map(|(_, found)| (TOTAL, *found));
    spans.extend(total);
    spans
}

/// Pairs as one JSON object, in the given order.
fn object<T: Serialize, S: Serializer>(
    pairs: &[(&'static str, T)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}
