// SPDX-License-Identifier: MIT OR Apache-2.0
//! For programs: one JSON object a line. Times are integers in ns.

use std::io::{self, Write};

use greet_common::{
    Stage,
    wire::{Header, NETLINK_TEST_PROTOCOL},
};
use serde::{Serialize, Serializer};

use super::{Greeting, Outcome, Output, Start, Summary, Trace};
use crate::{
    event::{Event, Message, escaped, flag_names, printable, protocol_name, type_name},
    journey::Exchange,
    statistics::Distribution,
};

/// Version of the format.
const VERSION: u32 = 1;

/// Writes JSON lines.
pub struct Json<W> {
    out: W,
    quiet: bool,
}

impl<W: Write> Json<W> {
    /// Writes to `out`; if `quiet`, only the first line and the last.
    pub const fn new(out: W, quiet: bool) -> Self {
        Self { out, quiet }
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        // In one piece: another writer on the same pipe cannot come in between.
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.out.write_all(&text)
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Start(StartLine<'a>),
    Message(Box<MessageLine<'a>>),
    Exchange(Box<ExchangeLine<'a>>),
    Summary(SummaryLine),
}

#[derive(Serialize)]
struct StartLine<'a> {
    v: u32,
    tool: &'static str,
    kernel: &'a str,
    boot_time_unix_ns: u64,
    hooks: &'a [String],
}

#[derive(Serialize)]
struct MessageLine<'a> {
    v: u32,
    t_ns: u64,
    stage: &'static str,
    direction: &'static str,
    protocol: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_name: Option<&'static str>,
    pid: u32,
    tid: u32,
    comm: String,
    netns: u32,
    portid: u32,
    peer_portid: u32,
    len: u32,
    captured_len: usize,
    headers: Vec<HeaderObject>,
    payload_hex: String,
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
    flags: Vec<String>,
    seq: u32,
    portid: u32,
}

#[derive(Serialize)]
struct ExchangeLine<'a> {
    v: u32,
    protocol: u32,
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    comm: Option<String>,
    portid: u32,
    seq: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback: Option<&'a str>,
    /// The client's own clock just before `sendmsg()`: what `stages` count from.
    t_ns: u64,
    #[serde(serialize_with = "object")]
    stages: Vec<(&'static str, i128)>,
    #[serde(serialize_with = "object")]
    spans: Vec<(&'static str, u64)>,
    request: Part<'a>,
    replies: Vec<Part<'a>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip_ns: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    rejected: &'a [String],
}

#[derive(Serialize)]
struct Part<'a> {
    len: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<i32>,
}

#[derive(Serialize)]
struct SummaryLine {
    v: u32,
    sent: u64,
    received: u64,
    lost: u64,
    events: u64,
    events_dropped: u64,
    calls_missed: u64,
    #[serde(serialize_with = "object")]
    spans: Vec<(&'static str, Distribution)>,
}

impl<W: Write> Output for Json<W> {
    fn start(&mut self, start: &Start) -> io::Result<()> {
        self.line(&Line::Start(StartLine {
            v: VERSION,
            tool: concat!("greet-user ", env!("CARGO_PKG_VERSION")),
            kernel: &start.kernel,
            boot_time_unix_ns: start.boot_time_unix_ns,
            hooks: &start.hooks,
        }))
    }

    fn greeting(&mut self, greeting: &Greeting) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let trace = greeting.trace.as_ref();
        let events = trace.map_or(&[][..], |trace| &trace.exchange.events);
        for (at, event) in events.iter().enumerate() {
            if let (Stage::Cross | Stage::Reply, Some(message), Some(trace)) =
                (event.stage, event.message(), trace)
            {
                let error = trace.exchange.return_of(at).filter(|result| *result < 0);
                self.line(&Line::Message(Box::new(message_line(
                    event, message, error,
                ))))?;
            }
        }
        self.line(&Line::Exchange(Box::new(exchange_line(greeting, trace))))
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let traced = summary.traced.as_ref();
        let mut spans = traced.map_or_else(Vec::new, |traced| traced.spans.clone());
        spans.extend(summary.round_trips.map(|found| ("round_trip", found)));
        self.line(&Line::Summary(SummaryLine {
            v: VERSION,
            sent: summary.sent,
            received: summary.received,
            lost: summary.lost,
            events: traced.map_or(0, |traced| traced.events),
            events_dropped: traced.map_or(0, |traced| traced.events_dropped),
            calls_missed: traced.map_or(0, |traced| traced.calls_missed),
            spans,
        }))
    }
}

fn message_line<'a>(event: &Event, message: &'a Message, error: Option<i32>) -> MessageLine<'a> {
    MessageLine {
        v: VERSION,
        t_ns: event.time_ns,
        stage: event.stage.name(),
        direction: message.direction().name(),
        protocol: message.protocol,
        protocol_name: protocol_name(message.protocol),
        pid: event.pid,
        tid: event.tid,
        comm: escaped(&message.comm).into_owned(),
        netns: message.netns,
        portid: message.portid,
        peer_portid: message.peer_portid,
        len: message.len,
        captured_len: message.data.len(),
        headers: message
            .headers()
            .iter()
            .map(|header| header_object(message.protocol, header))
            .collect(),
        payload_hex: hex(message.payload()),
        text: message.text(),
        error,
    }
}

fn header_object(protocol: u32, header: &Header) -> HeaderObject {
    HeaderObject {
        len: header.len,
        kind: header.kind,
        type_name: type_name(protocol, header.kind),
        flags: flag_names(header.flags),
        seq: header.seq,
        portid: header.portid,
    }
}

fn exchange_line<'a>(greeting: &'a Greeting, trace: Option<&'a Trace>) -> ExchangeLine<'a> {
    let exchange = trace.map(|trace| &trace.exchange);
    let request = exchange.and_then(|exchange| exchange.request());
    let failed = |result: Option<i32>| result.filter(|result| *result < 0);
    let mut replies: Vec<Part<'_>> = exchange.map_or_else(Vec::new, |exchange| {
        let parts = exchange.replies().filter_map(|reply| {
            let message = reply.event.message()?;
            Some(Part {
                len: usize::try_from(message.len).unwrap_or(usize::MAX),
                text: message.text(),
                error: failed(reply.result),
            })
        });
        parts.collect()
    });
    if let (None, Outcome::Answered(answer)) = (exchange, &greeting.outcome) {
        replies.push(Part {
            len: usize::try_from(answer.header.len).unwrap_or(usize::MAX),
            text: printable(&answer.payload),
            error: None,
        });
    }
    ExchangeLine {
        v: VERSION,
        protocol: NETLINK_TEST_PROTOCOL,
        pid: greeting.pid,
        comm: request.map(|message| escaped(&message.comm).into_owned()),
        portid: greeting.portid,
        seq: greeting.sent.seq,
        callback: trace.map(|trace| trace.callback.as_str()),
        t_ns: greeting.sent.time_ns,
        stages: exchange.map_or_else(Vec::new, |exchange| {
            let since = |time: u64| i128::from(time) - i128::from(greeting.sent.time_ns);
            let seen = |stage: Stage| Some((stage.name(), since(exchange.stage(stage)?)));
            let mut stages: Vec<_> = Stage::ALL.into_iter().filter_map(seen).collect();
            stages.sort_by_key(|(_, time)| *time);
            stages
        }),
        spans: exchange.map_or_else(Vec::new, Exchange::spans),
        request: Part {
            len: greeting.sent.len,
            text: printable(greeting.text.as_bytes()),
            error: failed(exchange.and_then(|exchange| exchange.result())),
        },
        replies,
        status: match greeting.outcome {
            Outcome::Answered(_) => "answered",
            Outcome::NotAskedFor => "not_asked_for",
            Outcome::Lost(_) => "lost",
        },
        round_trip_ns: greeting.round_trip_ns(),
        rejected: &greeting.rejected,
    }
}

/// Pairs as one JSON object, in their own order.
fn object<T: Serialize, S: Serializer>(
    pairs: &[(&'static str, T)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('?');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}
