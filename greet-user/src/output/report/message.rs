// SPDX-License-Identifier: MIT OR Apache-2.0
//! A message in the form that the page reads.

use std::borrow::Cow;

use greet_trace::{
    event::{Datagram, Direction, Request, reached},
    journey::{Exchange, Queued},
};
use serde::Serialize;

use super::{
    exchange::{Errno, Process},
    header::{self, HeaderData},
};

/// Number of replies kept per exchange: the first ones, and the last.
const ANSWERS: usize = 48;
/// Number of bytes kept per message.
const BYTES: usize = 4_096;

/// The stages of a message, ns; those not seen are absent.
#[derive(Serialize)]
struct MessageStages {
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<u64>,
}

/// The reader of a message.
#[derive(Serialize)]
struct Reader {
    process: Process,
    /// What `recvmsg()` returned, if that was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<i32>,
}

/// A message.
#[derive(Serialize)]
pub(super) struct MessageData {
    #[serde(skip_serializing_if = "is_false")]
    is_request: bool,
    direction: &'static str,
    from: u32,
    to: u32,
    #[serde(skip_serializing_if = "is_none")]
    group: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    len: Option<u32>,
    /// Bytes captured.
    captured: usize,
    /// The captured bytes, without trailing zeros.
    hex: String,
    headers: Vec<HeaderData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Errno>,
    /// Absent for a request that no process received.
    #[serde(skip_serializing_if = "Option::is_none")]
    stages: Option<MessageStages>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<Reader>,
    /// Bytes copied to the reader, of a message that was truncated.
    #[serde(skip_serializing_if = "Option::is_none")]
    copied: Option<u32>,
    /// Part of a dump with NLM_F_DUMP_INTR.
    #[serde(skip_serializing_if = "is_false")]
    is_interrupted: bool,
    #[serde(skip_serializing_if = "is_none")]
    peeks: u32,
    /// Still queued when its socket was closed.
    #[serde(skip_serializing_if = "is_false")]
    left_with_socket: bool,
}

/// The first messages of an exchange and the last, and how many replies are left out.
pub(super) fn messages(exchange: &Exchange, base_ns: u64) -> (Vec<MessageData>, usize) {
    let arrival = exchange
        .queued
        .iter()
        .find(|queued| exchange.is_itself(queued));
    let request = exchange.request.as_ref();
    let mut messages: Vec<_> = request
        .map(|request| MessageData::of_request(request, arrival, base_ns))
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
        .map(|queued| MessageData::of_answer(queued, base_ns));
    messages.extend(kept);
    (messages, more)
}

impl MessageData {
    fn of_request(request: &Request, arrival: Option<&Queued>, base_ns: u64) -> Self {
        let error = (request.result < 0).then(|| Errno::of(request.result));
        let one = Self {
            is_request: true,
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
            is_request: false,
            direction: word(datagram.direction()),
            from: datagram.portid,
            to: datagram.peer_portid,
            group: datagram.group,
            len: Some(datagram.len),
            captured: kept.len(),
            hex: filled.iter().map(|byte| format!("{byte:02x}")).collect(),
            headers: header::of(datagram),
            text: datagram.text().map(Cow::into_owned),
            error: None,
            stages: None,
            reader: None,
            copied: None,
            is_interrupted: false,
            peeks: 0,
            left_with_socket: false,
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
        // A message from another process has no stage `reply`.
        let reply_ns = if message.datagram.portid == 0 {
            message.reply_ns
        } else {
            0
        };
        Self {
            stages: Some(MessageStages {
                reply: since(reply_ns),
                queue: since(message.queue_ns),
                receive: since(receive_ns),
                delivered: since(delivered_ns),
            }),
            reader: read.map(|read| Reader {
                process: Process::of(&read.head),
                result: reached(read.delivered_ns).map(|_| read.result),
            }),
            copied: how.copied().filter(|_| how.is_truncated()),
            is_interrupted: how.is_interrupted(),
            peeks: how.peeks,
            left_with_socket: how.gone,
            ..self
        }
    }
}

const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::UserToKernel => "user_to_kernel",
        Direction::KernelToUser => "kernel_to_user",
        Direction::UserToUser => "user_to_user",
        Direction::KernelToKernel => "kernel_to_kernel",
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
pub(super) const fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it asks about by reference"
)]
const fn is_false(truth: &bool) -> bool {
    !*truth
}
