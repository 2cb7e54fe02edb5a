// SPDX-License-Identifier: MIT OR Apache-2.0
//! Attributes of an exchange and its parts: OpenTelemetry's conventions where there are any, else
//! names under `netlink.`.

use greet_common::Stage;
use greet_trace::{
    describe::{errno, error_name, error_text},
    event::{
        Datagram, Extack, Head, Loss, Request, comm, escaped, flag_names, protocol_name, type_name,
    },
    journey::{Queued, Status},
};
use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::Sample;

/// A protocol, in the form that `--protocol` accepts.
pub(super) fn protocol(protocol: u32) -> String {
    let name = protocol_name(protocol).and_then(|name| name.strip_prefix("NETLINK_"));
    name.map_or_else(|| protocol.to_string(), str::to_ascii_lowercase)
}

/// The type of its first message.
pub(super) fn kind(datagram: &Datagram) -> Option<String> {
    let kind = datagram.header()?.kind;
    let name = type_name(datagram.protocol, kind);
    Some(name.map_or_else(|| kind.to_string(), str::to_owned))
}

/// Attributes of the exchange.
pub(super) fn of_exchange(sample: &Sample, head: &Head, datagram: &Datagram) -> Vec<KeyValue> {
    let exchange = &sample.exchange;
    let mut all = of_task(head);
    all.extend([
        KeyValue::new("netlink.protocol", i64::from(head.protocol)),
        KeyValue::new("netlink.protocol.name", protocol(head.protocol)),
        KeyValue::new("netlink.portid", i64::from(datagram.portid)),
        KeyValue::new("netlink.peer_portid", i64::from(datagram.peer_portid)),
        KeyValue::new("netlink.status", sample.status.name()),
        KeyValue::new("netlink.answers", number(sample.answers)),
    ]);
    all.extend(marks(sample));
    if datagram.netns != 0 {
        all.push(KeyValue::new("netlink.netns", i64::from(datagram.netns)));
    }
    all.extend(match &exchange.request {
        Some(request) => of_request(request),
        None => of_datagram(datagram),
    });
    if let Some(seq) = exchange.seq().filter(|_| datagram.header().is_none()) {
        all.push(KeyValue::new("netlink.seq", i64::from(seq)));
    }
    let first_reply = exchange.span(Stage::Send, Stage::Delivered);
    let wholes = [
        ("netlink.first_reply_ns", first_reply),
        ("netlink.complete_ns", sample.complete_ns),
    ];
    for (name, ns) in wholes {
        all.extend(ns.map(|ns| KeyValue::new(name, i64::try_from(ns).unwrap_or(i64::MAX))));
    }
    if let Some(error) = error(sample) {
        all.push(KeyValue::new("error.type", error));
    }
    all
}

/// The marks, whatever the status; only those that apply.
fn marks(sample: &Sample) -> Vec<KeyValue> {
    let counts = [
        ("netlink.lost", sample.lost),
        ("netlink.truncated", sample.truncated),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let mut marks: Vec<_> = counts
        .map(|(name, count)| KeyValue::new(name, i64::try_from(count).unwrap_or(i64::MAX)))
        .collect();
    if sample.is_interrupted {
        marks.push(KeyValue::new("netlink.dump_interrupted", true));
    }
    marks
}

/// What went wrong: the error's name, else the status.
fn error(sample: &Sample) -> Option<String> {
    if !is_error(sample.status) {
        return None;
    }
    let known = errno(&sample.exchange).map(error_name);
    Some(known.unwrap_or_else(|| sample.status.name().to_owned()))
}

/// The same for people, with the kernel's message.
pub(super) fn reason(sample: &Sample) -> Option<String> {
    let mut reason = error(sample)?;
    if let Some(remark) = sample.exchange.remark() {
        reason = format!("{reason}: {remark}");
    }
    if let Some(errno) = errno(&sample.exchange) {
        reason = format!("{reason}: {}", error_text(errno));
    }
    for extack in &sample.exchange.extacks {
        reason = format!("{reason}; {}", words(extack));
    }
    Some(reason)
}

const fn is_error(status: Status) -> bool {
    matches!(
        status,
        Status::Refused | Status::Failed | Status::Lost | Status::Truncated | Status::Died
    )
}

fn of_task(head: &Head) -> Vec<KeyValue> {
    vec![
        KeyValue::new("process.pid", i64::from(head.pid)),
        KeyValue::new("process.command", escaped(comm(head)).into_owned()),
        KeyValue::new("thread.id", i64::from(head.tid)),
    ]
}

/// Attributes of a request, whose length may be unknown.
fn of_request(request: &Request) -> Vec<KeyValue> {
    let mut all = of_datagram(&request.datagram);
    if request.length().is_none() {
        all.retain(|field| field.key.as_str() != LEN);
    }
    all
}

const LEN: &str = "netlink.len";

fn of_datagram(datagram: &Datagram) -> Vec<KeyValue> {
    let mut all = vec![KeyValue::new(LEN, i64::from(datagram.len))];
    if datagram.group != 0 {
        all.push(KeyValue::new("netlink.group", i64::from(datagram.group)));
    }
    let Some(header) = datagram.header() else {
        return all;
    };
    let flags = flag_names(datagram.protocol, &header);
    let flags = flags
        .map(|flag| StringValue::from(flag.into_owned()))
        .collect();
    all.extend([
        KeyValue::new("netlink.type", i64::from(header.kind)),
        KeyValue::new("netlink.flags", Value::Array(Array::String(flags))),
        KeyValue::new("netlink.seq", i64::from(header.seq)),
    ]);
    if let Some(name) = type_name(datagram.protocol, header.kind) {
        all.push(KeyValue::new("netlink.type.name", name));
    }
    all
}

/// Attributes of a reply.
pub(super) fn of_answer(queued: &Queued) -> Vec<KeyValue> {
    let datagram = &queued.message.datagram;
    let mut all = of_datagram(datagram);
    if let Some(error) = datagram.error() {
        all.push(KeyValue::new("netlink.error", i64::from(error)));
    }
    if let Some(read) = &queued.delivery {
        // If the end of the call was not seen, neither was its result.
        if read.delivered_ns != 0 {
            all.push(KeyValue::new("netlink.read", i64::from(read.result)));
        }
        if let Some(copied) = queued.copied() {
            all.push(KeyValue::new("netlink.copied", i64::from(copied)));
        }
        if queued.is_truncated() {
            all.push(KeyValue::new("netlink.truncated", true));
        }
        all.extend(of_task(&read.head));
    }
    if queued.peeks > 0 {
        all.push(KeyValue::new("netlink.peeks", i64::from(queued.peeks)));
    }
    all
}

/// Attributes of a lost message.
pub(super) fn of_loss(loss: &Loss) -> Vec<KeyValue> {
    let mut all = vec![
        KeyValue::new("error.type", error_name(loss.result)),
        KeyValue::new("netlink.overrun", loss.overrun != 0),
        KeyValue::new("netlink.portid", i64::from(loss.portid)),
    ];
    if let Some(owner) = &loss.owner {
        let comm = escaped(owner.comm()).into_owned();
        all.push(KeyValue::new("process.pid", i64::from(owner.pid)));
        all.push(KeyValue::new("process.command", comm));
    }
    all
}

/// The extended ACK: why the kernel refuses.
pub(super) fn of_extack(extack: &Extack) -> Vec<KeyValue> {
    vec![KeyValue::new("netlink.extack", words(extack))]
}

fn words(extack: &Extack) -> String {
    let mut parts = extack.text.split(|byte| *byte == 0);
    escaped(parts.next().unwrap_or_default()).into_owned()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
