// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every view must show of an exchange, whatever its status and however much of it is folded:
//! losses, truncated messages and interrupted dumps.

use super::{bytes, counted};
use crate::journey::{Exchange, Queued, Status};

/// The marks of an exchange, a few words each. They do not repeat its status.
#[must_use]
pub fn of_exchange(exchange: &Exchange) -> Vec<String> {
    let mut marks: Vec<_> = exchange.remark().map(str::to_owned).into_iter().collect();
    let status = exchange.status();
    let lost = exchange.lost();
    if lost > u64::from(status == Status::Lost) {
        marks.push(counted(lost, "message lost", "messages lost"));
    }
    let mut cut = exchange
        .queued
        .iter()
        .filter(|queued| queued.is_truncated());
    match (cut.next(), cut.count() as u64) {
        (Some(first), 0) => marks.extend(truncation(first)),
        (Some(_), more) => marks.push(counted(1 + more, "", "messages truncated")),
        (None, _) => {}
    }
    if exchange.is_interrupted() {
        marks.push(INTERRUPTED.to_owned());
    }
    let others = exchange
        .losses
        .len()
        .saturating_sub(exchange.own_losses().count()) as u64;
    if others > 0 {
        let (one, several) = (
            "message lost by another socket",
            "messages lost by other sockets",
        );
        marks.push(counted(others, one, several));
    }
    marks
}

/// Marks a dump whose data changed while it was being read.
pub const INTERRUPTED: &str = "dump interrupted (NLM_F_DUMP_INTR)";

/// How much of a message was read, if not all of it.
#[must_use]
pub fn truncation(queued: &Queued) -> Option<String> {
    let copied = queued.copied().filter(|_| queued.is_truncated())?;
    let len = queued.message.datagram.len;
    Some(format!("truncated: {copied} of {} read", bytes(len)))
}

/// The same in as few columns as possible, for a narrow line.
#[must_use]
pub fn brief(exchange: &Exchange) -> Vec<String> {
    let (lost, truncated) = (exchange.lost(), exchange.truncated());
    let is_one = exchange.queued.len() == 1;
    let status = exchange.status();
    let mut marks = Vec::new();
    if exchange.is_interrupted() {
        marks.push(DUMP_INTR.to_owned());
    }
    if lost > u64::from(status == Status::Lost) {
        marks.push(format!("{lost} lost"));
    }
    if truncated > 0 && !(status == Status::Truncated && is_one) {
        marks.push(format!("{truncated} cut"));
    }
    marks
}

/// The marks of one message, as short.
#[must_use]
pub fn brief_of_message(queued: &Queued) -> Vec<String> {
    let mut marks = Vec::new();
    if queued.is_interrupted() {
        marks.push(DUMP_INTR.to_owned());
    }
    if let Some(copied) = queued.copied().filter(|_| queued.is_truncated()) {
        marks.push(format!("cut {copied}/{}", queued.message.datagram.len));
    }
    marks
}

const DUMP_INTR: &str = "DUMP_INTR";

/// The marks of one message.
#[must_use]
pub fn of_message(queued: &Queued) -> Vec<String> {
    let interrupted = queued.is_interrupted().then(|| INTERRUPTED.to_owned());
    truncation(queued).into_iter().chain(interrupted).collect()
}
