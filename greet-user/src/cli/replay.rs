// SPDX-License-Identifier: MIT OR Apache-2.0
//! How to show a recording.

use std::path::PathBuf;

use clap::Args;

use super::{Format, MetricsOptions, OtlpOptions, ReportOptions, Show};
use crate::{
    error::SessionError,
    sinks::{Files, Sinks},
    view::View,
};

const EXAMPLES: &str = "\
Examples:
  sudo greet-user watch --record run.greet        watch, and record it
  greet-user replay run.greet                     show it again, without root
  greet-user replay run.greet --pace              in real time
  greet-user replay run.greet --top               on the screen of `greet-user top`
  greet-user replay run.greet --format json       as JSON lines, identical to the live run's
  greet-user replay run.greet --pcapng w.pcapng   as a capture file for Wireshark
  greet-user replay run.greet --report run.html   as a page for a browser
  ssh HOST sudo greet-user watch --record - | greet-user replay -
  ssh HOST sudo greet-user watch --record - | greet-user replay - -q --metrics 9478

Exit status: 0 if the whole recording was read, 2 otherwise.";

/// Which recording, and how to show it.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayOptions {
    /// Recording written by `--record`; `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Write a capture file for Wireshark (pcapng); `-` writes to standard output and shows nothing
    /// else
    #[arg(long, value_name = "FILE")]
    pub pcapng: Option<PathBuf>,

    /// Write a self-contained page for a browser at the end, with a summary and the diagram and
    /// bytes of each exchange; `-` writes to standard output and shows nothing else
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// How much the report keeps
    #[command(flatten)]
    pub keeping: ReportOptions,

    /// Traces for OpenTelemetry
    #[command(flatten)]
    pub otlp: OtlpOptions,

    /// Metrics for Prometheus, until the end of the recording
    #[command(flatten)]
    pub metrics: MetricsOptions,

    /// Replay in real time instead of as fast as possible
    #[arg(long)]
    pub pace: bool,

    /// Show it on the screen of `greet-user top`: all at once, or in real time with `--pace`
    #[cfg(feature = "top")]
    #[arg(long, conflicts_with_all = ["format", "summary"])]
    pub top: bool,

    /// Show only the closing summary
    #[arg(short = 'q', long, visible_alias = "quiet")]
    pub summary: bool,

    /// How to draw
    #[command(flatten)]
    pub show: Show,
}

impl ReplayOptions {
    /// Opens everything that the recording is shown in: `view` on standard output, unless a file
    /// goes there.
    ///
    /// # Errors
    /// [`SessionError`] if something cannot be opened.
    pub fn sinks(&self, view: Option<Box<dyn View>>) -> Result<Sinks, SessionError> {
        let files = Files::of(None, self.pcapng.as_deref())
            .with_report(self.report.as_deref(), self.keeping.report_limit)
            .read_from(&self.file);
        let sinks = self.otlp.send(files.open(view)?, false)?;
        self.metrics.serve(sinks)
    }
}
