// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each line holds.

use greet_common::{
    Stage,
    wire::{HEADER_SIZE, Header},
};
use serde::Serialize;

use super::serialize::{as_text, flags, hex, is_zero, object};
use crate::{
    event::{
        Datagram, Extack, Head, Loss, Message, Request, comm, escaped, printable, protocol_name,
        type_name,
    },
    journey::{Exchange, Passed, Seen},
    statistics::Distribution,
};

/// Version of the format.
pub(super) const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    Start(StartLine<'a>),
    Message(MessageLine<'a>),
    Exchange(ExchangeLine<'a>),
    Loss(LossLine<'a>),
    Extack(ExtackLine<'a>),
    Summary(SummaryLine),
}

#[derive(Serialize)]
pub(super) struct StartLine<'a> {
    pub v: u32,
    pub tool: &'static str,
    pub kernel: &'a str,
    pub boot_time_unix_ns: u64,
    pub hooks: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub missing: &'a [String],
}

#[derive(Serialize)]
pub(super) struct MessageLine<'a> {
    v: u32,
    t_ns: u64,
    stage: &'static str,
    direction: &'static str,
    protocol: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_name: Option<&'static str>,
    pid: u32,
    tid: u32,
    #[serde(serialize_with = "as_text")]
    comm: &'a [u8],
    netns: u32,
    portid: u32,
    peer_portid: u32,
    #[serde(skip_serializing_if = "is_zero")]
    group: u32,
    len: u32,
    captured_len: usize,
    headers: Vec<HeaderObject>,
    #[serde(serialize_with = "hex")]
    payload_hex: &'a [u8],
    #[serde(serialize_with = "hex", skip_serializing_if = "<[_]>::is_empty")]
    data_hex: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<i32>,
}

#[derive(Serialize)]
struct HeaderObject {
    len: u32,
    #[serde(rename = "type")]
    kind: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    type_name: Option<&'static str>,
    #[serde(serialize_with = "flags")]
    flags: u16,
    seq: u32,
    portid: u32,
}

#[derive(Serialize)]
pub(super) struct ExchangeLine<'a> {
    pub v: u32,
    pub protocol: u32,
    pub pid: u32,
    #[serde(serialize_with = "as_text", skip_serializing_if = "<[_]>::is_empty")]
    pub comm: &'a [u8],
    pub portid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<&'a str>,
    /// What `stages` count from.
    pub t_ns: u64,
    #[serde(serialize_with = "object")]
    pub stages: Vec<(&'static str, u64)>,
    #[serde(serialize_with = "object")]
    pub spans: Vec<(&'static str, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Part<'a>>,
    pub replies: Vec<Part<'a>>,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extack: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_ns: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub rejected: &'a [String],
}

/// A message within an exchange.
#[derive(Default, Serialize)]
pub(super) struct Part<'a> {
    pub len: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<i32>,
    /// The stages of an answer of its own, ns since the exchange's begin.
    #[serde(serialize_with = "object", skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<(&'static str, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader: Option<Reader<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    pub peeks: u32,
}

/// Who read a message.
#[derive(Serialize)]
pub(super) struct Reader<'a> {
    pid: u32,
    tid: u32,
    #[serde(serialize_with = "as_text")]
    comm: &'a [u8],
    portid: u32,
    result: i32,
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
    #[serde(serialize_with = "as_text")]
    text: &'a [u8],
}

#[derive(Serialize)]
pub(super) struct SummaryLine {
    pub v: u32,
    pub sent: u64,
    pub received: u64,
    pub lost: u64,
    pub events: u64,
    pub events_dropped: u64,
    pub calls_missed: u64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub watched: Option<crate::output::Counts>,
    #[serde(serialize_with = "object")]
    pub spans: Vec<(&'static str, Distribution)>,
}

impl<'a> MessageLine<'a> {
    pub(super) fn of_request(request: &'a Request) -> Self {
        let error = (request.result < 0).then_some(request.result);
        Self::new(&request.head, &request.datagram, request.seen(), error)
    }

    pub(super) fn of_message(message: &'a Message, seen: Seen) -> Self {
        Self::new(&message.head, &message.datagram, seen, None)
    }

    fn new(head: &'a Head, datagram: &'a Datagram, seen: Seen, error: Option<i32>) -> Self {
        let headers = datagram.headers();
        let payload = datagram.payload();
        // What the first header and its payload do not tell already.
        let is_told = !headers.is_empty() && datagram.data.len() == HEADER_SIZE + payload.len();
        Self {
            v: VERSION,
            t_ns: seen.time_ns,
            stage: seen.stage.name(),
            direction: datagram.direction().name(),
            protocol: datagram.protocol,
            protocol_name: protocol_name(datagram.protocol),
            pid: head.pid,
            tid: head.tid,
            comm: comm(head),
            netns: datagram.netns,
            portid: datagram.portid,
            peer_portid: datagram.peer_portid,
            group: datagram.group,
            len: datagram.len,
            captured_len: datagram.data.len(),
            headers: headers
                .iter()
                .map(|header| header_object(datagram.protocol, header))
                .collect(),
            payload_hex: payload,
            data_hex: if is_told { &[] } else { &datagram.data },
            text: datagram.text(),
            error,
        }
    }
}

fn header_object(protocol: u32, header: &Header) -> HeaderObject {
    HeaderObject {
        len: header.len,
        kind: header.kind,
        type_name: type_name(protocol, header.kind),
        flags: header.flags,
        seq: header.seq,
        portid: header.portid,
    }
}

impl<'a> ExchangeLine<'a> {
    /// As the tracer saw it; `None` where it saw nothing of it.
    pub(super) fn of(exchange: &'a Exchange, callback: Option<&'a str>) -> Option<Self> {
        let first = exchange.passed.first();
        let (head, datagram) = match (&exchange.request, first) {
            (Some(request), _) => (&request.head, &request.datagram),
            (None, Some(passed)) => (&passed.message.head, &passed.message.datagram),
            (None, None) => return None,
        };
        let stages = exchange.stages();
        let t_ns = stages.first().map_or(0, |(_, time_ns)| *time_ns);
        let (itself, answers): (Vec<_>, Vec<_>) = exchange
            .passed
            .iter()
            .partition(|passed| exchange.is_itself(passed));
        // A message to another process: how that got it.
        let arrival = itself.first().map(|passed| Part::of(passed, t_ns));
        Some(Self {
            v: VERSION,
            protocol: head.protocol,
            pid: head.pid,
            comm: comm(head),
            portid: datagram.portid,
            seq: exchange
                .seq()
                .or_else(|| datagram.header().map(|header| header.seq)),
            callback: callback.filter(|_| exchange.stage(Stage::Handle).is_some()),
            t_ns,
            stages: stages
                .iter()
                .map(|(stage, time_ns)| (stage.name(), time_ns - t_ns))
                .collect(),
            spans: exchange.spans().collect(),
            request: exchange.request.as_ref().map(|request| Part {
                len: request
                    .datagram
                    .data
                    .len()
                    .max(usize_of(request.datagram.len)),
                text: request.datagram.text(),
                error: (request.result < 0).then_some(request.result),
                ..arrival.unwrap_or_default()
            }),
            replies: answers
                .into_iter()
                .map(|passed| Part::of(passed, t_ns))
                .collect(),
            status: exchange.status().name(),
            extack: exchange
                .extacks
                .iter()
                .map(|extack| escaped(extack_text(extack)).into_owned())
                .collect(),
            round_trip_ns: None,
            rejected: &[],
        })
    }
}

impl<'a> Part<'a> {
    fn of(passed: &'a Passed, t_ns: u64) -> Self {
        let Passed {
            message, delivery, ..
        } = passed;
        let delivery = delivery.as_ref();
        let stages = [
            (Stage::Reply, message.reply_ns),
            (Stage::Queue, message.queue_ns),
            (Stage::Receive, delivery.map_or(0, |read| read.receive_ns)),
            (
                Stage::Delivered,
                delivery.map_or(0, |read| read.delivered_ns),
            ),
        ];
        Self {
            len: usize_of(message.datagram.len),
            text: message.datagram.text(),
            error: message.datagram.error(),
            stages: stages
                .into_iter()
                .filter(|(_, time_ns)| *time_ns != 0)
                .map(|(stage, time_ns)| (stage.name(), time_ns.saturating_sub(t_ns)))
                .collect(),
            reader: delivery.map(|read| Reader {
                pid: read.head.pid,
                tid: read.head.tid,
                comm: comm(&read.head),
                portid: message.datagram.peer_portid,
                result: read.result,
            }),
            peeks: passed.peeks,
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
        }
    }
}

impl<'a> ExtackLine<'a> {
    pub(super) fn of(extack: &'a Extack) -> Self {
        Self {
            v: VERSION,
            t_ns: extack.time_ns,
            protocol: extack.head.protocol,
            pid: extack.head.pid,
            tid: extack.head.tid,
            comm: comm(&extack.head),
            text: extack_text(extack),
        }
    }
}

/// The text without its NUL.
pub(in crate::output) fn extack_text(extack: &Extack) -> &[u8] {
    let mut parts = extack.text.split(|byte| *byte == 0);
    parts.next().unwrap_or_default()
}

/// Text of an answer as the client has it.
pub(super) fn text_of(payload: &[u8]) -> Option<&str> {
    printable(payload)
}

pub(super) fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
