// SPDX-License-Identifier: MIT OR Apache-2.0
//! What describes a run: its start, its progress and its end.

use serde::Serialize;

use crate::{
    clock::boot_time_unix_ns,
    journey::Watched,
    statistics::{Bin, Distribution},
    tracer::Attached,
};

/// What is known of a run before anything happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// When it started: CLOCK_MONOTONIC, ns.
    pub began_ns: u64,
    /// Will deliveries be seen?
    pub deliveries: bool,
    /// What is done.
    pub run: Run,
}

/// What is done in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// Traffic is traced.
    Watch(System),
    /// The kernel is greeted.
    Greetings(Start),
}

/// What is known of a run when it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// When it ended: CLOCK_MONOTONIC, ns.
    pub ended_ns: u64,
    /// Greetings that left, including one whose outcome is not known.
    pub sent: u64,
    /// What the tracer did not see; `None` if it was not asked.
    pub unseen: Option<Unseen>,
}

/// What did not reach us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Events that were dropped.
    pub events_dropped: u64,
    /// Calls, by any process, for which the kernel could not run the tracer's programs.
    pub calls_missed: u64,
}

impl Opening {
    /// The system it runs on.
    #[must_use]
    pub const fn system(&self) -> &System {
        match &self.run {
            Run::Watch(system) => system,
            Run::Greetings(start) => &start.system,
        }
    }

    /// What can be seen.
    #[must_use]
    pub fn watched(&self) -> Watched {
        self.system().attached.watched(self.deliveries)
    }
}

/// The system of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// The tool and its version.
    pub tool: String,
    /// The kernel's release.
    pub kernel: String,
    /// When CLOCK_MONOTONIC was 0: ns since 1970.
    pub boot_time_unix_ns: u64,
    /// What is attached where; empty without tracing.
    pub attached: Attached,
}

impl System {
    /// The running one; `tool` is the name and version of the program that traces.
    #[must_use]
    pub fn running(tool: impl Into<String>, attached: Attached) -> Self {
        let name = rustix::system::uname();
        Self {
            tool: tool.into(),
            kernel: name.release().to_string_lossy().into_owned(),
            boot_time_unix_ns: boot_time_unix_ns(),
            attached,
        }
    }
}

/// What is known before the first greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The system it runs on.
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
    /// Messages that were only partly read: the reader's buffer was too small.
    pub truncated: u64,
    /// Messages for which a full receive queue had no room.
    pub overruns: u64,
    /// Messages lost for other reasons: those of the kernel that could not be delivered, and those
    /// that their reader could not take (EFAULT).
    pub failed: u64,
    /// Messages read that were not seen before.
    pub unmatched: u64,
    /// Exchanges that were shown before their replies were read: too many were waiting.
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
    /// Events received so far.
    pub events: u64,
    /// Events that were dropped.
    pub events_dropped: u64,
    /// Calls, by any process, for which the kernel could not run the tracer's programs.
    pub calls_missed: u64,
}

/// A run, when it is over.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The greetings, if the run sent any.
    pub greetings: Option<Greetings>,
    /// Whether the kernel was traced. If not, nothing below was observed.
    pub is_traced: bool,
    /// When it ended: CLOCK_MONOTONIC, ns.
    pub ended_ns: u64,
    /// Events received.
    pub events: u64,
    /// Events that were dropped.
    pub events_dropped: u64,
    /// Calls, by any process, for which the kernel could not run the tracer's programs.
    pub calls_missed: u64,
    /// What the events were.
    pub counts: Counts,
    /// The named spans, ns.
    pub spans: Vec<(&'static str, Distribution)>,
    /// The distribution of the times to the first reply.
    pub totals: Vec<Bin>,
    /// What could be observed: what could not is not counted.
    pub watched: Watched,
}

/// The greetings of a run.
#[derive(Clone, Debug, Default)]
pub struct Greetings {
    /// Greetings sent.
    pub sent: u64,
    /// Greetings answered.
    pub received: u64,
    /// Greetings that should have been answered and were not.
    pub lost: u64,
    /// From the first greeting to the end, ns.
    pub duration_ns: u64,
    /// From just before `sendmsg()` to just after `recvmsg()`, ns.
    pub round_trips: Option<Distribution>,
}
