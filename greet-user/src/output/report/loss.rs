// SPDX-License-Identifier: MIT OR Apache-2.0
//! A lost message, in the form that the page reads and in words.

use greet_trace::event::{self, escaped};
use serde::Serialize;

use super::exchange::{Errno, Process};

/// A lost message.
#[derive(Serialize)]
pub(super) struct Loss {
    /// CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Whether it was an overrun of the receive queue.
    pub is_overrun: bool,
    /// The port that lost it.
    pub port: u32,
    /// Its protocol.
    pub protocol: u32,
    process: Process,
    error: Errno,
    /// The owner of the socket that lost it.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Process>,
}

impl Loss {
    pub(super) fn of(loss: &event::Loss) -> Self {
        Self {
            time_ns: loss.time_ns,
            is_overrun: loss.overrun != 0,
            port: loss.portid,
            protocol: loss.head.protocol,
            process: Process::of(&loss.head),
            error: Errno::of(loss.result),
            owner: loss.owner.as_ref().map(|owner| Process {
                pid: owner.pid,
                tid: owner.pid,
                comm: escaped(owner.comm()).into_owned(),
            }),
        }
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let Errno {
            number,
            name,
            words,
        } = &self.error;
        let Process { pid, comm, .. } = &self.process;
        let what = if self.is_overrun {
            "lost a message to its full receive queue"
        } else {
            "was sent a message that could not be delivered"
        };
        let owner = self.owner.as_ref();
        let owner = owner.map_or_else(String::new, |Process { pid, comm, .. }| {
            format!(" of {comm}[{pid}]")
        });
        format!(
            "port {}{owner} {what}: error {number} {name} ({words}), in {comm}[{pid}]",
            self.port
        )
    }
}
