// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is shown, and the one trait that each way of showing it implements. One file for
//! each format.

mod human;
mod json;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "otlp")]
pub mod otlp;
mod pcapng;
mod report;

use std::io;

pub use human::{Human, Look, parts};
pub use json::Json;
#[cfg(feature = "metrics")]
pub use metrics::{Metrics, Scrape, Syntax};
pub use pcapng::Pcapng;
pub use report::{Finish, LIMIT as REPORT_LIMIT, Report};

use serde::Serialize;

use crate::{
    client::{Answer, Sent},
    clock::boot_time_unix_ns,
    feed::{Closing, Opening},
    journey::{Exchange, Told, Watched},
    statistics::{Bin, Distribution},
    tracer::Attached,
};

/// Where we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// The tool and its version.
    pub tool: String,
    /// The kernel's release.
    pub kernel: String,
    /// When CLOCK_MONOTONIC stood at 0: ns since 1970.
    pub boot_time_unix_ns: u64,
    /// What is attached where; empty without tracing.
    pub attached: Attached,
}

impl System {
    /// The running one.
    #[must_use]
    pub fn running(attached: Attached) -> Self {
        let name = rustix::system::uname();
        Self {
            tool: concat!("greet-user ", env!("CARGO_PKG_VERSION")).to_owned(),
            kernel: name.release().to_string_lossy().into_owned(),
            boot_time_unix_ns: boot_time_unix_ns(),
            attached,
        }
    }
}

/// What is known before the first greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Where we are.
    pub system: System,
    /// Netlink protocol.
    pub protocol: u32,
    /// Our own port ID.
    pub portid: u32,
    /// Our own process ID.
    pub pid: u32,
    /// The text to greet with.
    pub text: String,
}

/// One greeting and what came of it.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// Counted from 1.
    pub number: u64,
    /// The text sent.
    pub text: String,
    /// The request as it left.
    pub sent: Sent,
    /// What came back.
    pub outcome: Outcome,
    /// What came that was not the answer, one sentence each.
    pub rejected: Vec<String>,
    /// What the tracer saw; `None` if it was not asked.
    pub trace: Option<Trace>,
    /// Our process ID.
    pub pid: u32,
    /// Our port ID.
    pub portid: u32,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer.
    Answered(Answer),
    /// Nothing, and nothing was asked for.
    NotAskedFor,
    /// No answer; why.
    Lost(String),
}

impl Outcome {
    /// As one word, for programs.
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
pub struct Trace {
    /// Its stages.
    pub exchange: Exchange,
    /// The receive callback's name, if it is known.
    pub callback: Option<String>,
}

/// What is known after the last greeting.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Greetings sent.
    pub sent: u64,
    /// Greetings answered.
    pub received: u64,
    /// Greetings that were to be answered and were not.
    pub lost: u64,
    /// From the first greeting to the end, ns.
    pub duration_ns: u64,
    /// From just before `sendmsg()` to just after `recvmsg()`, ns.
    pub round_trips: Option<Distribution>,
    /// What the tracer counted; `None` if it was not asked.
    pub traced: Option<Traced>,
}

/// What the tracer counted.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Events that came.
    pub events: u64,
    /// Events that did not.
    pub events_dropped: u64,
    /// Calls, by any process, at which the kernel could not run the tracer's programs.
    pub calls_missed: u64,
    /// The named spans, ns.
    pub spans: Vec<(&'static str, Distribution)>,
    /// How their totals lie.
    pub totals: Vec<Bin>,
}

impl Greeting {
    /// Just before `sendmsg()` to just after `recvmsg()`, in ns.
    #[must_use]
    pub const fn round_trip_ns(&self) -> Option<u64> {
        match &self.outcome {
            Outcome::Answered(answer) => Some(answer.time_ns.saturating_sub(self.sent.time_ns)),
            Outcome::NotAskedFor | Outcome::Lost(_) => None,
        }
    }
}

/// What there is to say of a watch when it ends.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Events that came.
    pub events: u64,
    /// Events that did not.
    pub events_dropped: u64,
    /// Calls, by any process, at which the kernel could not run the tracer's programs.
    pub calls_missed: u64,
    /// What they were.
    pub counts: Counts,
    /// The named spans, ns.
    pub spans: Vec<(&'static str, Distribution)>,
    /// How their totals lie.
    pub totals: Vec<Bin>,
    /// What could be seen: what could not is not counted.
    pub watched: Watched,
}

/// How many there were of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests.
    pub requests: u64,
    /// Messages put into a queue.
    pub messages: u64,
    /// Messages read.
    pub deliveries: u64,
    /// Requests that the kernel refused.
    pub refused: u64,
    /// Requests whose task died inside `sendmsg()`.
    pub died: u64,
    /// Requests that could not be sent: `sendmsg()` failed.
    pub unsent: u64,
    /// Messages that were read in part only: the reader's buffer was too small.
    pub truncated: u64,
    /// Messages that a full receive queue had no room for.
    pub overruns: u64,
    /// Messages lost otherwise: the kernel's that could not be delivered, and those that their
    /// reader could not take (EFAULT).
    pub failed: u64,
    /// Messages read that were not seen before.
    pub unmatched: u64,
    /// Exchanges that were told before their answers were read: too many were waiting.
    pub cut_short: u64,
}

impl Counts {
    /// Messages that did not reach their reader, each counted once.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.overruns + self.failed
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events that came so far.
    pub events: u64,
    /// Events that did not.
    pub events_dropped: u64,
    /// Calls, by any process, at which the kernel could not run the tracer's programs.
    pub calls_missed: u64,
}

/// A way of showing any traffic.
pub trait Watcher {
    /// Before anything.
    ///
    /// # Errors
    /// What writing ran into.
    fn start(&mut self, system: &System) -> io::Result<()>;

    /// Before anything, for a view that shows what run it is as well.
    ///
    /// # Errors
    /// What writing ran into.
    fn open(&mut self, opening: &Opening) -> io::Result<()> {
        self.start(opening.system())
    }

    /// As it happens.
    ///
    /// # Errors
    /// What writing ran into.
    fn tell(&mut self, told: &Told<'_>, callback: Option<&str>) -> io::Result<()>;

    /// When nothing more is there for now.
    ///
    /// # Errors
    /// What writing ran into.
    fn flush(&mut self) -> io::Result<()>;

    /// Is it to be told about once a second how far the run is?
    fn wants_progress(&self) -> bool {
        false
    }

    /// How far the run is; told where it is wanted, and where a run goes on while nothing
    /// happens.
    fn progress(&mut self, _progress: &Progress) {}

    /// At the end.
    ///
    /// # Errors
    /// What writing ran into.
    fn summary(&mut self, observed: &Observed) -> io::Result<()>;

    /// At the end, for a view that shows how it ended as well.
    ///
    /// # Errors
    /// What writing ran into.
    fn close(&mut self, observed: &Observed, _closing: &Closing) -> io::Result<()> {
        self.summary(observed)
    }
}

/// A way of showing what happened.
pub trait Output {
    /// Before the first greeting.
    ///
    /// # Errors
    /// What writing ran into.
    fn start(&mut self, start: &Start) -> io::Result<()>;

    /// After each greeting.
    ///
    /// # Errors
    /// What writing ran into.
    fn greeting(&mut self, greeting: &Greeting) -> io::Result<()>;

    /// At the end.
    ///
    /// # Errors
    /// What writing ran into.
    fn summary(&mut self, summary: &Summary) -> io::Result<()>;
}

#[cfg(test)]
pub(crate) mod schema;
#[cfg(test)]
mod tests;
