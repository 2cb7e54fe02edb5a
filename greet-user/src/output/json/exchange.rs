// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exchange that has come to its end.

use greet_common::Stage;
use serde::{Serialize, Serializer};

use super::{
    lines::{VERSION, extack_text, usize_of},
    serialize::{as_text, is_zero},
};
use crate::{
    event::{Extack, comm, escaped, printable},
    journey::{Exchange, Passed},
};

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
    pub stages: Stages<Vec<(Stage, u64)>>,
    #[serde(serialize_with = "spans")]
    pub spans: Option<&'a Exchange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Part<'a>>,
    pub replies: Replies<'a>,
    pub status: &'static str,
    #[serde(serialize_with = "texts", skip_serializing_if = "<[_]>::is_empty")]
    pub extack: &'a [Extack],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_ns: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub rejected: &'a [String],
}

/// When stages were passed, 0 for one that was not: written in ns since `t_ns`.
pub(super) struct Stages<T> {
    t_ns: u64,
    passed: T,
}

/// The answers.
pub(super) enum Replies<'a> {
    /// What the tracer saw, and what its stages count from.
    Seen(&'a Exchange, u64),
    /// What the client received.
    Received(Option<Part<'a>>),
}

/// A message within an exchange.
#[derive(Default, Serialize)]
pub(super) struct Part<'a> {
    len: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<i32>,
    /// The stages of an answer of its own, ns since the exchange's begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    stages: Option<Stages<[(Stage, u64); 4]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<Reader<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    peeks: u32,
}

/// Who read a message.
#[derive(Serialize)]
struct Reader<'a> {
    pid: u32,
    tid: u32,
    #[serde(serialize_with = "as_text")]
    comm: &'a [u8],
    portid: u32,
    result: i32,
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
        let passed = exchange.stages();
        let t_ns = passed.first().map_or(0, |(_, time_ns)| *time_ns);
        // A message to another process: how that got it.
        let mut messages = exchange.passed.iter();
        let itself = messages.find(|passed| exchange.is_itself(passed));
        let arrival = itself.map(|passed| Part::of(passed, t_ns));
        Some(Self {
            v: VERSION,
            protocol: head.protocol,
            pid: head.pid,
            comm: comm(head),
            portid: datagram.portid,
            seq: datagram.header().map(|header| header.seq),
            callback: callback.filter(|_| exchange.stage(Stage::Handle).is_some()),
            t_ns,
            stages: Stages { t_ns, passed },
            spans: Some(exchange),
            request: exchange.request.as_ref().map(|request| Part {
                len: usize_of(request.datagram.len),
                text: request.datagram.text(),
                error: (request.result < 0).then_some(request.result),
                ..arrival.unwrap_or_default()
            }),
            replies: Replies::Seen(exchange, t_ns),
            status: exchange.status().name(),
            extack: &exchange.extacks,
            round_trip_ns: None,
            rejected: &[],
        })
    }
}

impl<'a> Part<'a> {
    /// One that no tracer saw.
    pub(super) fn unseen(len: usize, payload: &'a [u8]) -> Self {
        Self {
            len,
            text: printable(payload),
            ..Self::default()
        }
    }

    fn of(passed: &'a Passed, t_ns: u64) -> Self {
        let Passed {
            message, delivery, ..
        } = passed;
        let delivery = delivery.as_ref();
        let read = delivery.map(|read| (read.receive_ns, read.delivered_ns));
        let (receive_ns, delivered_ns) = read.unwrap_or_default();
        let passed_at = [
            (Stage::Reply, message.reply_ns),
            (Stage::Queue, message.queue_ns),
            (Stage::Receive, receive_ns),
            (Stage::Delivered, delivered_ns),
        ];
        let is_any = passed_at.iter().any(|(_, time_ns)| *time_ns != 0);
        Self {
            len: usize_of(message.datagram.len),
            text: message.datagram.text(),
            error: message.datagram.error(),
            stages: is_any.then_some(Stages {
                t_ns,
                passed: passed_at,
            }),
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

impl Stages<Vec<(Stage, u64)>> {
    /// No stage was seen.
    pub(super) const fn none(t_ns: u64) -> Self {
        Self {
            t_ns,
            passed: Vec::new(),
        }
    }
}

impl<T: AsRef<[(Stage, u64)]>> Serialize for Stages<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let passed = self.passed.as_ref().iter();
        let passed = passed.filter(|(_, time_ns)| *time_ns != 0);
        serializer.collect_map(
            passed.map(|(stage, time_ns)| (stage.name(), time_ns.saturating_sub(self.t_ns))),
        )
    }
}

impl Serialize for Replies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Seen(exchange, t_ns) => {
                let answers = exchange.passed.iter();
                let answers = answers.filter(|passed| !exchange.is_itself(passed));
                serializer.collect_seq(answers.map(|passed| Part::of(passed, *t_ns)))
            }
            Self::Received(answer) => serializer.collect_seq(answer),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde asks by reference")]
fn spans<S: Serializer>(exchange: &Option<&Exchange>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(exchange.iter().flat_map(|exchange| exchange.spans()))
}

fn texts<S: Serializer>(extacks: &[Extack], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(extacks.iter().map(|extack| escaped(extack_text(extack))))
}
