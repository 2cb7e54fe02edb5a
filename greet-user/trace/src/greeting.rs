// SPDX-License-Identifier: MIT OR Apache-2.0
//! A greeting and its outcome.

use std::rc::Rc;

use greet_common::wire::Header;

use crate::journey::Exchange;

/// A message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its sequence number.
    pub seq: u32,
    /// Time just before `sendmsg()`: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Its length including the header, in bytes.
    pub len: usize,
}

/// A validated reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its header.
    pub header: Header,
    /// What follows the header.
    pub payload: Vec<u8>,
    /// Time of receipt in user space: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
}

/// One greeting and its outcome.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// Counted from 1.
    pub number: u64,
    /// The text sent.
    pub text: String,
    /// The request as it left.
    pub sent: Sent,
    /// Its outcome.
    pub outcome: Outcome,
    /// What arrived that was not the reply, one sentence each.
    pub rejected: Vec<String>,
    /// What the tracer saw; `None` if it was not asked.
    pub trace: Option<Traced>,
    /// Our process ID.
    pub pid: u32,
    /// Our port ID.
    pub portid: u32,
}

/// The outcome of a greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reply.
    Answered(Answer),
    /// No reply, and none was asked for.
    NotAskedFor,
    /// No reply; why.
    Lost(String),
}

impl Outcome {
    /// As a single word, for programs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::NotAskedFor => "not_asked_for",
            Self::Lost(_) => "lost",
        }
    }
}

/// What the tracer saw of one greeting.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Its stages.
    pub exchange: Rc<Exchange>,
    /// The receive callback's name, if it is known.
    pub callback: Option<String>,
}

impl Greeting {
    /// From just before `sendmsg()` to just after `recvmsg()`, in ns.
    #[must_use]
    pub const fn round_trip_ns(&self) -> Option<u64> {
        match &self.outcome {
            Outcome::Answered(answer) => Some(answer.time_ns.saturating_sub(self.sent.time_ns)),
            Outcome::NotAskedFor | Outcome::Lost(_) => None,
        }
    }
}

/// What the client knows of one greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeted {
    /// Counted from 1.
    pub number: u64,
    /// The request as it left.
    pub sent: Sent,
    /// Its outcome.
    pub outcome: Outcome,
    /// What arrived that was not the reply, one sentence each.
    pub rejected: Vec<String>,
}
