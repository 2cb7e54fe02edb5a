// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exchange as the page reads it: short names, times in ns since its first stage. What can
//! be told from the bytes alone is left to the page; names of numbers are given here.

use std::borrow::Cow;

use greet_common::{
    Stage,
    wire::{ALIGN_TO, HEADER_SIZE, Header, NLMSG_ERROR},
};
use serde::Serialize;

use super::loss::Loss;
use crate::{
    describe::{self, error_name, error_text, extack_text, marks},
    event::{
        Datagram, Direction, End, Head, Request, comm, escaped, flag_names, reached, type_name,
    },
    journey::{Exchange, Pairing, Queued},
};

/// How many answers of an exchange are kept: the first ones, and the last.
const ANSWERS: usize = 48;
/// How many losses of an exchange are kept.
const LOSSES: usize = 16;
/// How many bytes of a message are kept.
const BYTES: usize = 4_096;
/// How many headers of a datagram are kept.
const HEADERS: usize = 64;

/// A process: its ID, the thread's, its name.
#[derive(Serialize)]
pub(super) struct Process(pub u32, pub u32, pub String);

/// An errno: number, name, words.
#[derive(Serialize)]
pub(super) struct Errno(pub i32, pub String, pub String);

/// A header: where it is, its numbers, and the names of its type and flags. The last is 1
/// for one that an error message quotes.
#[derive(Serialize)]
struct Field(usize, u32, u16, &'static str, u16, String, u32, u32, u8);

/// An exchange.
#[derive(Serialize)]
pub(super) struct FullExchange {
    #[serde(rename = "n")]
    number: u64,
    /// When it began, ns of CLOCK_MONOTONIC: below 2^53 for the first 104 days; a page needs
    /// no more of it than the distance to the run's begin.
    #[serde(rename = "t")]
    time_ns: u64,
    #[serde(rename = "s")]
    status: &'static str,
    #[serde(rename = "p")]
    process: Process,
    #[serde(rename = "pr")]
    protocol: u32,
    port: u32,
    #[serde(rename = "ns")]
    netns: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u32>,
    #[serde(rename = "cb", skip_serializing_if = "Option::is_none")]
    callback: Option<String>,
    /// By the stages' numbers.
    #[serde(rename = "st")]
    stages: [Option<u64>; Stage::ALL.len()],
    /// From the sending to the last reply, ns.
    #[serde(rename = "cp", skip_serializing_if = "Option::is_none")]
    complete: Option<u64>,
    /// What `sendmsg()` returned.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    result: Option<i32>,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    error: Option<Errno>,
    #[serde(rename = "m")]
    messages: Vec<One>,
    /// Answers that are not among them.
    #[serde(rename = "more", skip_serializing_if = "is_zero")]
    more: usize,
    #[serde(rename = "x", skip_serializing_if = "Vec::is_empty")]
    extacks: Vec<String>,
    #[serde(rename = "l", skip_serializing_if = "Vec::is_empty")]
    losses: Vec<Loss>,
    /// Losses that are not among them.
    #[serde(rename = "lmore", skip_serializing_if = "is_zero")]
    more_losses: usize,
    /// What must not be missed, in words.
    #[serde(rename = "mk", skip_serializing_if = "Vec::is_empty")]
    marks: Vec<String>,
}

/// A message.
#[derive(Serialize)]
struct One {
    /// 1 for the request.
    #[serde(rename = "q", skip_serializing_if = "is_zero")]
    request: usize,
    #[serde(rename = "d")]
    direction: &'static str,
    #[serde(rename = "f")]
    from: u32,
    #[serde(rename = "to")]
    to: u32,
    #[serde(rename = "g", skip_serializing_if = "is_none")]
    group: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    len: Option<u32>,
    /// How many bytes were captured, and those, without the zeros at their end.
    cap: usize,
    hex: String,
    #[serde(rename = "h")]
    headers: Vec<Field>,
    #[serde(rename = "x", skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    error: Option<Errno>,
    /// Stages `reply`, `queue`, `receive`, `delivered`.
    #[serde(rename = "st", skip_serializing_if = "Option::is_none")]
    stages: Option<[Option<u64>; 4]>,
    /// Who read it, and what `recvmsg()` returned, if that was seen.
    #[serde(rename = "by", skip_serializing_if = "Option::is_none")]
    reader: Option<(Process, Option<i32>)>,
    /// How many bytes its reader got, of a message that was read in part only.
    #[serde(rename = "cut", skip_serializing_if = "Option::is_none")]
    copied: Option<u32>,
    /// 1 for a part of a dump of what changed meanwhile.
    #[serde(rename = "intr", skip_serializing_if = "is_zero")]
    interrupted: usize,
    #[serde(rename = "pk", skip_serializing_if = "is_none")]
    peeks: u32,
    /// 1 for one that left its queue unread, with its socket.
    #[serde(rename = "gone", skip_serializing_if = "is_zero")]
    gone: usize,
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
        let handled = exchange.stage(Stage::Handle).is_some();
        let (messages, more) = messages(exchange, base_ns);
        let failed = request.map(|request| request.result).filter(|no| *no < 0);
        Self {
            number,
            time_ns: base_ns,
            status: exchange.status().name(),
            process: head.map_or_else(|| Process(0, 0, String::new()), Process::of),
            protocol: head.map_or(0, |head| head.protocol),
            port: datagram.map_or(0, |datagram| datagram.portid),
            netns: datagram.map_or(0, |datagram| datagram.netns),
            seq: exchange.seq().or_else(|| Some(header?.seq)),
            callback: callback.filter(|_| handled).map(str::to_owned),
            stages: Stage::ALL.map(|stage| exchange.stage(stage).map(since)),
            complete: exchange.complete(),
            result: request
                .filter(|request| request.end == End::Returned)
                .map(|request| request.result),
            error: failed.map(Errno::of),
            messages,
            more,
            extacks: reasons(exchange),
            losses: exchange.losses.iter().take(LOSSES).map(Loss::of).collect(),
            more_losses: exchange.losses.len().saturating_sub(LOSSES),
            marks: marks::of_exchange(exchange),
        }
    }

    /// As it is kept until it is written.
    pub(super) fn json(&self) -> Box<[u8]> {
        // Nothing in it can fail: its keys are names, its numbers are whole.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

/// The kernel's reasons, each with its request's number where there are several.
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

fn messages(exchange: &Exchange, base_ns: u64) -> (Vec<One>, usize) {
    let arrival = exchange
        .queued
        .iter()
        .find(|queued| exchange.is_itself(queued));
    let request = exchange.request.as_ref();
    let mut messages: Vec<_> = request
        .map(|request| One::of_request(request, arrival, base_ns))
        .into_iter()
        .collect();
    let answers = exchange.queued.iter();
    let answers: Vec<_> = answers
        .filter(|queued| !exchange.is_itself(queued))
        .collect();
    let more = answers.len().saturating_sub(ANSWERS);
    // The last one says how it ended.
    let kept = answers.iter().take(ANSWERS - 1);
    let last = answers.last().filter(|_| answers.len() >= ANSWERS);
    let kept = kept
        .chain(last)
        .map(|queued| One::of_answer(queued, base_ns));
    messages.extend(kept);
    (messages, more)
}

impl One {
    fn of_request(request: &Request, arrival: Option<&Queued>, base_ns: u64) -> Self {
        let error = (request.result < 0).then(|| Errno::of(request.result));
        let one = Self {
            request: 1,
            error,
            direction: word(request.direction()),
            len: request.length(),
            ..Self::of(&request.datagram)
        };
        match arrival {
            Some(queued) => one.read(queued, base_ns),
            None => one,
        }
    }

    fn of_answer(queued: &Queued, base_ns: u64) -> Self {
        let datagram = &queued.message.datagram;
        let one = Self {
            error: datagram.error().map(Errno::of),
            ..Self::of(datagram)
        };
        one.read(queued, base_ns)
    }

    fn of(datagram: &Datagram) -> Self {
        let kept = &datagram.data[..datagram.data.len().min(BYTES)];
        let last = kept.iter().rposition(|byte| *byte != 0);
        let filled = &kept[..last.map_or(0, |at| at + 1)];
        Self {
            request: 0,
            direction: word(datagram.direction()),
            from: datagram.portid,
            to: datagram.peer_portid,
            group: datagram.group,
            len: Some(datagram.len),
            cap: kept.len(),
            hex: filled.iter().map(|byte| format!("{byte:02x}")).collect(),
            headers: fields(datagram),
            text: datagram.text().map(Cow::into_owned),
            error: None,
            stages: None,
            reader: None,
            copied: None,
            interrupted: 0,
            peeks: 0,
            gone: 0,
        }
    }

    /// How it was read.
    fn read(self, how: &Queued, base_ns: u64) -> Self {
        let since = |time_ns| reached(time_ns).map(|time_ns| time_ns.saturating_sub(base_ns));
        let Queued {
            message, delivery, ..
        } = how;
        let read = delivery.as_ref();
        let (receive_ns, delivered_ns) =
            read.map_or((0, 0), |read| (read.receive_ns, read.delivered_ns));
        // What another process sent was handed over by itself.
        let reply_ns = if message.datagram.portid == 0 {
            message.reply_ns
        } else {
            0
        };
        let stages = [reply_ns, message.queue_ns, receive_ns, delivered_ns];
        Self {
            stages: Some(stages.map(since)),
            reader: read.map(|read| {
                let result = reached(read.delivered_ns).map(|_| read.result);
                (Process::of(&read.head), result)
            }),
            copied: how.copied().filter(|_| how.is_truncated()),
            interrupted: usize::from(how.is_interrupted()),
            peeks: how.peeks,
            gone: usize::from(how.gone),
            ..self
        }
    }
}

/// As the page has it.
const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::UserToKernel => "uk",
        Direction::KernelToUser => "ku",
        Direction::UserToUser => "uu",
        Direction::KernelToKernel => "kk",
    }
}

/// The headers of all messages of a datagram, and those that errors quote.
fn fields(datagram: &Datagram) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut at = 0;
    for header in datagram.headers().into_iter().take(HEADERS) {
        fields.push(Field::of(datagram.protocol, at, &header, 0));
        let behind = at + HEADER_SIZE + size_of::<i32>();
        if header.kind == NLMSG_ERROR
            && let Some(Ok(quoted)) = datagram.data.get(behind..).map(Header::parse)
            && header.len as usize >= behind - at + HEADER_SIZE
        {
            fields.push(Field::of(datagram.protocol, behind, &quoted, 1));
        }
        at += (header.len as usize).next_multiple_of(ALIGN_TO);
    }
    fields
}

impl Field {
    fn of(protocol: u32, at: usize, header: &Header, quoted: u8) -> Self {
        let flags: Vec<_> = flag_names(protocol, header).collect();
        Self(
            at,
            header.len,
            header.kind,
            type_name(protocol, header.kind).unwrap_or(""),
            header.flags,
            flags.join(" | "),
            header.seq,
            header.portid,
            quoted,
        )
    }
}

impl Process {
    pub(super) fn of(head: &Head) -> Self {
        Self(head.pid, head.tid, escaped(comm(head)).into_owned())
    }
}

impl Errno {
    pub(super) fn of(errno: i32) -> Self {
        if errno == 0 {
            return Self(0, String::new(), "acknowledgement".to_owned());
        }
        Self(errno, error_name(errno), error_text(errno))
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it asks about by reference"
)]
const fn is_none(number: &u32) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it asks about by reference"
)]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}
