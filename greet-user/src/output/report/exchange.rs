// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exchange in the form that the page reads: named fields, times in ns since its first stage.
//! The page knows nothing about netlink: names, offsets and lengths of fields are computed here.

use std::collections::BTreeMap;

use greet_common::{Stage, wire::NETLINK_TEST_PROTOCOL};
use greet_trace::{
    describe::{self, error_name, error_text, extack_text, marks},
    event::{Datagram, End, Head, comm, escaped},
    journey::{Exchange, Pairing},
};
use serde::Serialize;

use super::{
    header::{is_control, type_words},
    loss::Loss,
    message::{MessageData, is_zero, messages},
};

/// Number of losses kept per exchange.
const LOSSES: usize = 16;

/// A process and one of its threads.
#[derive(Serialize)]
pub(super) struct Process {
    /// Process ID.
    pub pid: u32,
    /// Thread ID.
    pub tid: u32,
    /// Its name, escaped.
    pub comm: String,
}

/// An errno.
#[derive(Serialize)]
pub(super) struct Errno {
    /// Negative; 0 is an acknowledgement.
    pub number: i32,
    /// E.g. `ENODEV`.
    pub name: String,
    /// E.g. `No such device`.
    pub words: String,
}

/// An exchange.
#[derive(Serialize)]
pub(super) struct FullExchange {
    number: u64,
    /// Its first stage, ns of CLOCK_MONOTONIC: below 2^53 for the first 104 days.
    time_ns: u64,
    status: &'static str,
    owner: Process,
    protocol: u32,
    port: u32,
    netns: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback: Option<String>,
    /// Its first message's type, with the text of a greeting.
    what: String,
    /// Stages by name; those not seen are absent.
    stages: BTreeMap<&'static str, u64>,
    /// From send to the last reply, ns.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<u64>,
    /// What `sendmsg()` returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Errno>,
    messages: Vec<MessageData>,
    /// Number of replies left out.
    #[serde(skip_serializing_if = "is_zero")]
    more_replies: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extacks: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    losses: Vec<Loss>,
    /// Number of losses left out.
    #[serde(skip_serializing_if = "is_zero")]
    more_losses: usize,
    /// Notes to show whatever the status.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    marks: Vec<String>,
}

impl FullExchange {
    /// `base_ns`: its first stage.
    pub(super) fn of(
        exchange: &Exchange,
        callback: Option<&str>,
        number: u64,
        base_ns: u64,
    ) -> Self {
        let request = exchange.request.as_ref();
        let (head, datagram) = (describe::owner(exchange), describe::datagram(exchange));
        let header = datagram.and_then(Datagram::header);
        let since = |time_ns: u64| time_ns.saturating_sub(base_ns);
        let stages = Stage::ALL.into_iter();
        let handled = exchange.stage(Stage::Handle).is_some();
        let (messages, more_replies) = messages(exchange, base_ns);
        let failed = request.map(|request| request.result).filter(|no| *no < 0);
        Self {
            number,
            time_ns: base_ns,
            status: exchange.status().name(),
            owner: head.map_or_else(Process::unknown, Process::of),
            protocol: head.map_or(0, |head| head.protocol),
            port: datagram.map_or(0, |datagram| datagram.portid),
            netns: datagram.map_or(0, |datagram| datagram.netns),
            seq: exchange.seq().or_else(|| Some(header?.seq)),
            callback: callback.filter(|_| handled).map(str::to_owned),
            what: what(exchange),
            stages: stages
                .filter_map(|stage| Some((stage.name(), since(exchange.stage(stage)?))))
                .collect(),
            complete: exchange.complete(),
            result: request
                .filter(|request| request.end == End::Returned)
                .map(|request| request.result),
            error: failed.map(Errno::of),
            messages,
            more_replies,
            extacks: reasons(exchange),
            losses: exchange.losses.iter().take(LOSSES).map(Loss::of).collect(),
            more_losses: exchange.losses.len().saturating_sub(LOSSES),
            marks: marks::of_exchange(exchange),
        }
    }

    /// The form in which it is kept until it is written.
    pub(super) fn json(&self) -> Box<[u8]> {
        // This cannot fail: the keys are strings, the numbers integers.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

/// The extended ACKs, each with its request's sequence number if there are several requests.
fn reasons(exchange: &Exchange) -> Vec<String> {
    let pairing = Pairing::of(exchange);
    let all = exchange.extacks.iter().zip(pairing.seqs_of_reasons());
    all.map(|(extack, seq)| {
        let text = escaped(extack_text(extack));
        match seq.filter(|_| pairing.are_several()) {
            Some(seq) => format!("to seq {seq}: {text}"),
            None => text.into_owned(),
        }
    })
    .collect()
}

/// The type of the first message whose bytes were seen, with the text of a greeting.
fn what(exchange: &Exchange) -> String {
    let request = exchange.request.as_ref().map(|request| &request.datagram);
    let replies = exchange
        .queued
        .iter()
        .map(|queued| &queued.message.datagram);
    let mut seen = request.into_iter().chain(replies);
    let seen = seen.find_map(|datagram| Some((datagram, datagram.header()?)));
    let Some((datagram, header)) = seen else {
        return "(bytes not seen)".to_owned();
    };
    let kind = type_words(datagram.protocol, header.kind);
    let is_greeting = datagram.protocol == NETLINK_TEST_PROTOCOL && !is_control(header.kind);
    match datagram.text().filter(|_| is_greeting) {
        Some(text) => format!("{kind} \u{201c}{text}\u{201d}"),
        None => kind,
    }
}

impl Process {
    pub(super) fn of(head: &Head) -> Self {
        Self {
            pid: head.pid,
            tid: head.tid,
            comm: escaped(comm(head)).into_owned(),
        }
    }

    const fn unknown() -> Self {
        Self {
            pid: 0,
            tid: 0,
            comm: String::new(),
        }
    }
}

impl Errno {
    pub(super) fn of(errno: i32) -> Self {
        if errno == 0 {
            return Self {
                number: 0,
                name: String::new(),
                words: "acknowledgement".to_owned(),
            };
        }
        Self {
            number: errno,
            name: error_name(errno),
            words: error_text(errno),
        }
    }
}
