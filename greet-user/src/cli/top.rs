// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user top`.

use std::path::PathBuf;

use clap::Args;

use super::{Drawing, Scope};
use crate::sinks::Files;

const EXAMPLES: &str = "\
Examples:
  sudo greet-user top                        everybody who talks over netlink
  sudo greet-user top -p route -p genl       of two protocols
  sudo greet-user top --process NetworkManager  of the processes of that name
  sudo greet-user top -- ip monitor          of one command, whose output is not shown
  sudo greet-user top --record run.greet     and record it
  greet-user replay run.greet --top          the recording in the same screen, without root

The key ? shows all keys. Exit status: 0, that of the COMMAND if there is one and it has ended, or
2 if this was not possible; what then is missing, `greet-user doctor` tells.";

/// What to show on the screen.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TopOptions {
    /// What of all traffic
    #[command(flatten)]
    pub scope: Scope,

    /// Record everything in a file for `greet-user replay`
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// Write a capture file for Wireshark (pcapng), with whole messages unless `--snaplen` says
    /// how much of them
    #[arg(long, value_name = "FILE")]
    pub pcapng: Option<PathBuf>,

    /// How to draw
    #[command(flatten)]
    pub drawing: Drawing,
}

impl TopOptions {
    /// What it is written to beside what is shown.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        Files::of(self.record.as_deref(), self.pcapng.as_deref())
    }
}
