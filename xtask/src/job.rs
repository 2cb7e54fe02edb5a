// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interface between xtask on the host and `guest_bench` in the virtual machine: the
//! measurements to make, and their results, both as JSON.

use serde::{Deserialize, Serialize};

/// The guest's input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Minimum uptime of the machine before the first measurement, in seconds.
    pub settle_s: u64,
    /// Executed in this order.
    pub jobs: Vec<Job>,
}

/// One measurement: a client and its watcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The name of the measurement; unique in a plan.
    pub id: String,
    /// Commands that must succeed first.
    pub before: Vec<Vec<String>>,
    /// Commands that undo them.
    pub after: Vec<Vec<String>>,
    /// `None` for an unwatched client.
    pub watcher: Option<Watcher>,
    /// `None` if the watcher generates its own traffic.
    pub client: Option<Client>,
    /// Stop the watcher temporarily, midway through the measurement.
    pub pause: Option<Pause>,
}

/// A program that watches the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// Program and arguments.
    pub command: Vec<String>,
    /// How the client is started.
    pub start: Start,
    /// Output lines that contain this string are counted.
    pub evidence: String,
}

/// How the client is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// By us, once the watcher has printed this string. The watcher is stopped with SIGINT at the
    /// end.
    Said(String),
    /// By the watcher: the client's arguments are appended to its own.
    Words,
    /// By the watcher: the client's arguments are appended to its own as a single argument.
    Line,
}

/// A client in a loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its traffic.
    pub talk: Talk,
    /// Its number of round trips.
    pub load: Load,
}

/// The traffic between client and kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Talk {
    /// A greeting on protocol 31 and the module's reply.
    Greet,
    /// RTM_GETLINK for lo on protocol 0 and its reply.
    Route,
}

impl Talk {
    /// Its name on the client's command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Greet => "greet",
            Self::Route => "route",
        }
    }
}

/// The number of round trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Load {
    /// One batch to warm up, then the timed ones.
    Batches {
        /// Timed batches.
        count: u32,
        /// Round trips per batch.
        trips: u32,
    },
    /// As many as fit into this number of seconds.
    Seconds(u32),
    /// As many as `greet-user --flood` makes in this number of seconds.
    GreetUser(u32),
}

/// SIGSTOP, then SIGCONT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Delay after the start of the client, ms.
    pub after_ms: u64,
    /// Duration, ms.
    pub for_ms: u64,
}

/// The result of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// The job's name.
    pub id: String,
    /// From starting the watcher until the client starts, or until it reports being attached, ns.
    pub attach_ns: Option<u64>,
    /// How long its main thread was running in that time, ns; only if we start the client.
    pub running_ns: Option<u64>,
    /// The client's measurements.
    pub report: Option<Report>,
    /// Lines of the watcher's output that contain the evidence.
    pub evidence: u64,
    /// The last line of its standard output.
    pub last_line: String,
    /// The end of its standard error.
    pub said: String,
    /// Why the measurement failed.
    pub failure: Option<String>,
}

/// The client's measurements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it was ready to start, CLOCK_MONOTONIC, ns.
    pub started_ns: u64,
    /// Round trips in total, including the warm-up.
    pub trips: u64,
    /// The timed batches.
    pub batches: Vec<Batch>,
}

/// A batch of round trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Round trips.
    pub trips: u64,
    /// CLOCK_MONOTONIC, ns.
    pub wall_ns: u64,
    /// CLOCK_THREAD_CPUTIME_ID, ns.
    pub cpu_ns: u64,
}
