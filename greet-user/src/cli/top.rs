// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user top`.

use std::path::PathBuf;

use clap::Args;

use super::{Drawing, Scope};
use crate::sinks::Files;

const EXAMPLES: &str = "\
Examples:
  sudo greet-user top                     all netlink conversations
  sudo greet-user top -p route -p genl    two protocols
  sudo greet-user top --process systemd   all processes of that name
  sudo greet-user top -- ip monitor       one command, with its output discarded
  sudo greet-user top --record run.greet  record as well
  greet-user replay run.greet --top       a recording on the same screen, without root

Press ? for a list of keys. Exit status: 0, or that of COMMAND if it has ended; 2 if tracing is not
possible (`greet-user doctor` shows why).";

/// What to show.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TopOptions {
    /// Which traffic to watch
    #[command(flatten)]
    pub scope: Scope,

    /// Record the run in FILE for `greet-user replay`
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// Write a capture file for Wireshark (pcapng), with complete messages unless `--snaplen` limits
    /// them
    #[arg(long, value_name = "FILE")]
    pub pcapng: Option<PathBuf>,

    /// How to draw
    #[command(flatten)]
    pub drawing: Drawing,
}

impl TopOptions {
    /// Files that are written in addition to what is shown.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        Files::of(self.record.as_deref(), self.pcapng.as_deref())
    }
}
