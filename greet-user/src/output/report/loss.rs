// SPDX-License-Identifier: MIT OR Apache-2.0
//! A lost message as the page reads it, and in words.

use serde::Serialize;

use super::exchange::{Errno, Process};
use crate::event::{self, escaped};

/// A message that somebody did not get.
#[derive(Serialize)]
pub(super) struct Loss {
    /// CLOCK_MONOTONIC, ns.
    #[serde(rename = "t")]
    pub time_ns: u64,
    /// Was it an overrun of the receive queue?
    #[serde(rename = "o")]
    pub overrun: bool,
    /// The port that lost it.
    pub port: u32,
    /// Its protocol.
    #[serde(rename = "pr")]
    pub protocol: u32,
    #[serde(rename = "p")]
    process: Process,
    #[serde(rename = "e")]
    error: Errno,
    /// Who owns the socket that lost it.
    #[serde(rename = "own", skip_serializing_if = "Option::is_none")]
    owner: Option<Process>,
}

impl Loss {
    pub(super) fn of(loss: &event::Loss) -> Self {
        Self {
            time_ns: loss.time_ns,
            overrun: loss.overrun != 0,
            port: loss.portid,
            protocol: loss.head.protocol,
            process: Process::of(&loss.head),
            error: Errno::of(loss.result),
            owner: loss
                .owner
                .as_ref()
                .map(|owner| Process(owner.pid, owner.pid, escaped(owner.comm()).into_owned())),
        }
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let Errno(errno, name, words) = &self.error;
        let Process(pid, _, comm) = &self.process;
        let what = if self.overrun {
            "lost a message to its full receive queue"
        } else {
            "could not be delivered a message"
        };
        let owner = self.owner.as_ref();
        let owner = owner.map_or_else(String::new, |Process(pid, _, comm)| {
            format!(" of {comm}[{pid}]")
        });
        format!(
            "port {}{owner} {what}: error {errno} {name} ({words}), in {comm}[{pid}]",
            self.port
        )
    }
}
