// SPDX-License-Identifier: MIT OR Apache-2.0
//! How to show a recording.

use std::path::PathBuf;

use clap::{Args, value_parser};

use super::{Format, OtlpOptions, Show};
use crate::output::REPORT_LIMIT;

const EXAMPLES: &str = "\
Examples:
  sudo greet-user watch --record run.greet        watch, and record it
  greet-user replay run.greet                     the same again, without root
  greet-user replay run.greet --pace              as fast as it happened
  greet-user replay run.greet --top               in the screen of `greet-user top`
  greet-user replay run.greet --format json       as JSON lines, the same as live
  greet-user replay run.greet --pcapng w.pcapng   as a capture file for Wireshark
  greet-user replay run.greet --report run.html   as a page for a browser
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

    /// Write a page for a browser at the end, one file with everything in it: the summary, a
    /// diagram of each exchange, the bytes; `-` for standard output, and then nothing else is
    /// shown
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// How many exchanges the report holds in full; all are counted
    #[arg(long, value_name = "N", requires = "report", default_value_t = REPORT_LIMIT, value_parser = value_parser!(u32).range(1..))]
    pub report_limit: u32,

    /// Traces for OpenTelemetry
    #[command(flatten)]
    pub otlp: OtlpOptions,

    /// As fast as it happened, instead of as fast as it can be shown
    #[arg(long)]
    pub pace: bool,

    /// Show it in the screen of `greet-user top`: all of it, or with `--pace` as it happened
    #[cfg(feature = "top")]
    #[arg(long, conflicts_with_all = ["format", "pcapng", "summary", "report"])]
    pub top: bool,

    /// Show the closing summary only
    #[arg(short = 'q', long, visible_alias = "quiet")]
    pub summary: bool,

    /// How to draw
    #[command(flatten)]
    pub show: Show,
}
