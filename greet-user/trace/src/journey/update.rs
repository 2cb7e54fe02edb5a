// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the journey emits, and when a message was first seen.

use std::rc::Rc;

use greet_common::Stage;

use super::Exchange;
use crate::event::{Extack, Loss, Message, Request};

/// One thing that happened, in the order in which it happened.
#[derive(Debug)]
pub enum Update<'a> {
    /// A process sent a message.
    Request(&'a Request),
    /// A message was added to a process's receive queue.
    Message(&'a Message, Seen),
    /// A message was lost.
    Loss(&'a Loss),
    /// An extended ACK's text, and the sequence number of the request it is about, if known.
    Extack(&'a Extack, Option<u32>),
    /// An exchange ended. Its parts were emitted before. Shared, so that a view can keep it.
    Exchange(Rc<Exchange>),
}

impl Update<'_> {
    /// The exchange, if one has ended.
    #[must_use]
    pub fn into_exchange(self) -> Option<Exchange> {
        match self {
            Self::Exchange(exchange) => Some(Rc::unwrap_or_clone(exchange)),
            _ => None,
        }
    }
}

/// Where and when a message was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `cross` or `sent` for a request, `send` for one that did not get that far; `reply` or
    /// `queue` for a message to a process, `receive` for one that was queued unseen.
    pub stage: Stage,
    /// CLOCK_MONOTONIC, ns; 0 if not known.
    pub time_ns: u64,
}

/// The update for a message; one that was queued unseen was first seen at `receive_ns`.
pub(super) fn update(message: &Message, receive_ns: u64) -> Update<'_> {
    let mut seen = message.seen();
    if seen.time_ns == 0 {
        seen.time_ns = receive_ns;
    }
    Update::Message(message, seen)
}

impl Request {
    /// Where and when it was first seen: at `cross` if it got that far. If its start cannot be
    /// seen, at its end.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        let (stage, time_ns) = match (self.send_ns, self.cross_ns) {
            (0, 0) => (Stage::Sent, self.sent_ns),
            (send_ns, 0) => (Stage::Send, send_ns),
            (_, cross_ns) => (Stage::Cross, cross_ns),
        };
        Seen { stage, time_ns }
    }
}

impl Message {
    /// Where and when it was first seen, as far as the message itself shows.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        let (stage, time_ns) = match (self.reply_ns, self.queue_ns) {
            (0, 0) => (Stage::Receive, 0),
            (0, queue_ns) => (Stage::Queue, queue_ns),
            (reply_ns, _) => (Stage::Reply, reply_ns),
        };
        Seen { stage, time_ns }
    }
}
