// SPDX-License-Identifier: MIT OR Apache-2.0
//! How to show a recording.

use std::path::PathBuf;

use clap::Args;

use super::{Format, Show};
use crate::collector::{Endpoint, endpoint};

const EXAMPLES: &str = "\
Examples:
  sudo greet-user watch --record run.greet        watch, and record it
  greet-user replay run.greet                     the same again, without root
  greet-user replay run.greet --pace              as fast as it happened
  greet-user replay run.greet --format json       as JSON lines, the same as live
  greet-user replay run.greet --pcapng w.pcapng   as a capture file for Wireshark
  ssh HOST sudo greet-user watch --record - | greet-user replay -

Exit status: 0 if all of it was read, 2 if not.";

/// Which recording, and how to show it.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayOptions {
    /// What `--record` has written; `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Write a capture file for Wireshark (pcapng); `-` for standard output, and then nothing
    /// else is shown
    #[arg(long, value_name = "FILE")]
    pub pcapng: Option<PathBuf>,

    /// Send each exchange as a trace to the OpenTelemetry collector at this URL, such as
    /// http://localhost:4318
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    pub otlp: Option<Endpoint>,

    /// As fast as it happened, instead of as fast as it can be shown
    #[arg(long)]
    pub pace: bool,

    /// Show the closing summary only
    #[arg(short = 'q', long, visible_alias = "quiet")]
    pub summary: bool,

    /// How to draw
    #[command(flatten)]
    pub show: Show,
}
