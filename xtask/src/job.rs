// SPDX-License-Identifier: MIT OR Apache-2.0
//! What xtask on the host and `guest_bench` in the virtual machine agree on: measurements
//! to be made, and what came of them, both as JSON.

use serde::{Deserialize, Serialize};

/// What the guest is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Nothing is measured before the machine has been up for so long, in seconds.
    pub settle_s: u64,
    /// In this order.
    pub jobs: Vec<Job>,
}

/// One measurement: a client, and what watches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Names the measurement; unique in a plan.
    pub id: String,
    /// Commands that must succeed first.
    pub before: Vec<Vec<String>>,
    /// Commands that undo them.
    pub after: Vec<Vec<String>>,
    /// `None` for nothing.
    pub watcher: Option<Watcher>,
    /// `None` where the watcher makes its own traffic.
    pub client: Option<Client>,
    /// Stop the watcher for a while in the midst of it.
    pub pause: Option<Pause>,
}

/// A program that watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// Program and arguments.
    pub command: Vec<String>,
    /// How the client comes to be started.
    pub start: Start,
    /// Lines of its output that contain this are counted.
    pub evidence: String,
}

/// How the client comes to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// By us, once the watcher has printed this. It is stopped with SIGINT in the end.
    Said(String),
    /// By the watcher: the client's words are put behind its own.
    Words,
    /// By the watcher: the client's words are put behind its own as one.
    Line,
}

/// A client in a loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// What it says.
    pub talk: Talk,
    /// How often.
    pub load: Load,
}

/// What the client and the kernel say to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Talk {
    /// A greeting on protocol 31 and the module's answer.
    Greet,
    /// RTM_GETLINK of lo on protocol 0 and its answer.
    Route,
}

impl Talk {
    /// Its word on the client's command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Greet => "greet",
            Self::Route => "route",
        }
    }
}

/// How many round trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Load {
    /// One batch to warm up, then so many that are timed.
    Batches {
        /// Timed batches.
        count: u32,
        /// Round trips of each.
        trips: u32,
    },
    /// As many as there are in so many seconds.
    Seconds(u32),
    /// As many as `greet-user --flood` makes in so many seconds.
    GreetUser(u32),
}

/// SIGSTOP, then SIGCONT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// So long after the client was started, ms.
    pub after_ms: u64,
    /// For so long, ms.
    pub for_ms: u64,
}

/// What came of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// The job's.
    pub id: String,
    /// From starting the watcher to the client's start, or to what it says when it is attached, ns.
    pub attach_ns: Option<u64>,
    /// How much of that its first thread was running, ns, where we start the client.
    pub running_ns: Option<u64>,
    /// What the client measured.
    pub report: Option<Report>,
    /// Lines of the watcher's output with the evidence in them.
    pub evidence: u64,
    /// The last line of its standard output.
    pub last_line: String,
    /// The end of its standard error.
    pub said: String,
    /// Why there is no measurement.
    pub failure: Option<String>,
}

/// What the client measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it was ready to begin, CLOCK_MONOTONIC, ns.
    pub started_ns: u64,
    /// Round trips in all, the warm-up's too.
    pub trips: u64,
    /// The timed ones.
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
