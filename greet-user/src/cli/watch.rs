// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user watch`.

use std::path::PathBuf;

use clap::{Args, value_parser};

use super::{Format, MetricsOptions, OtlpOptions, Scope, Show};
use crate::{output::REPORT_LIMIT, sinks::Files};

const EXAMPLES: &str = "\
Examples:
  sudo greet-user watch                        all netlink traffic of the machine, until Ctrl-C
  sudo greet-user watch -p route -p genl       of two protocols
  sudo greet-user watch -- ip link             what `ip link` asks and is told
  sudo greet-user watch --process NetworkManager  of the processes of that name
  sudo greet-user watch --summary              times and counts alone, at the lowest cost
  sudo greet-user watch --stages send,handle,sent -p route
  sudo greet-user watch --report run.html -- ip link
  sudo greet-user watch --summary --metrics 9478
  sudo greet-user watch --format json | jq 'select(.kind == \"exchange\")'

Exit status: 0, that of the COMMAND if there is one, or 2 if watching was not possible; what
then is missing, `greet-user doctor` tells.";

/// What to watch, and how to show it.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct WatchOptions {
    /// What of all traffic
    #[command(flatten)]
    pub scope: Scope,

    /// Show the closing summary only, and copy no message
    #[arg(long)]
    pub summary: bool,

    /// Report each request before the kernel handles it, and again when sendmsg() returns: shows
    /// what was sent to a callback that hangs, or that crashes the machine
    #[arg(long, conflicts_with = "summary")]
    pub early: bool,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Record everything in a file for `greet-user replay`; `-` for standard output, and then
    /// nothing else is shown
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// Write a capture file for Wireshark (pcapng), with whole messages unless `--snaplen` says
    /// how much of them; `-` for standard output, and then nothing else is shown
    #[arg(long, value_name = "FILE", conflicts_with = "summary")]
    pub pcapng: Option<PathBuf>,

    /// Write a page for a browser at the end, one file with everything in it: the summary, a
    /// diagram of each exchange, the bytes; `-` for standard output, and then nothing else is
    /// shown
    #[arg(long, value_name = "FILE", conflicts_with = "summary")]
    pub report: Option<PathBuf>,

    /// How many exchanges the report holds in full; all are counted
    #[arg(long, value_name = "N", requires = "report", default_value_t = REPORT_LIMIT, value_parser = value_parser!(u32).range(1..))]
    pub report_limit: u32,

    /// Traces for OpenTelemetry
    #[command(flatten)]
    pub otlp: OtlpOptions,

    /// Metrics for Prometheus
    #[command(flatten)]
    pub metrics: MetricsOptions,

    /// How to draw
    #[command(flatten)]
    pub show: Show,
}

impl WatchOptions {
    /// Is standard output for a program that reads ours?
    #[must_use]
    pub fn needs_stdout(&self) -> bool {
        self.format == Format::Json || self.files().is_stdout()
    }

    /// What it is written to beside what is shown.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        Files::of(self.record.as_deref(), self.pcapng.as_deref())
            .with_report(self.report.as_deref(), self.report_limit)
    }
}
