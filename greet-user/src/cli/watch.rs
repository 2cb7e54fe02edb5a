// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user watch`.

use std::path::PathBuf;

use clap::Args;

use super::{Format, MetricsOptions, OtlpOptions, ReportOptions, Scope, Show, detail::Detail};
use crate::{
    error::SessionError,
    sinks::{Files, Sinks},
    view::View,
    watch::{Output, Watch},
};

const EXAMPLES: &str = "\
Examples:
  sudo greet-user watch                     all netlink traffic of the machine, until Ctrl-C
  sudo greet-user watch -p route -p genl    two protocols
  sudo greet-user watch -- ip link          the requests of `ip link` and their replies
  sudo greet-user watch --process systemd   all processes of that name
  sudo greet-user watch --summary           times and counts only, at the lowest cost
  sudo greet-user watch --stages send,handle,sent -p route
  sudo greet-user watch --report run.html -- ip link
  sudo greet-user watch --summary --metrics 9478
  sudo greet-user watch --format json | jq 'select(.kind == \"exchange\")'

Exit status: 0, or that of COMMAND; 2 if watching is not possible (`greet-user doctor` shows why).";

/// What to watch, and how to show it.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct WatchOptions {
    /// Which traffic to watch
    #[command(flatten)]
    pub scope: Scope,

    /// Show only the closing summary; copies no messages
    #[arg(long)]
    pub summary: bool,

    /// Report each request before the kernel handles it, and again when sendmsg() returns: shows
    /// what was sent to a callback that hangs, or that crashes the machine
    #[arg(long, conflicts_with = "summary")]
    pub early: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Record the run in FILE for `greet-user replay`; `-` writes to standard output and shows
    /// nothing else
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// Write a capture file for Wireshark (pcapng), with complete messages unless `--snaplen` limits
    /// them; `-` writes to standard output and shows nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "summary")]
    pub pcapng: Option<PathBuf>,

    /// Write a self-contained page for a browser at the end, with a summary and the diagram and
    /// bytes of each exchange; `-` writes to standard output and shows nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "summary")]
    pub report: Option<PathBuf>,

    /// How much the report keeps
    #[command(flatten)]
    pub keeping: ReportOptions,

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
    /// What to watch.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let output = if self.needs_stdout() {
            Output::StandardError
        } else {
            Output::Own
        };
        let mut watch = self.scope.watch(self.detail(), output);
        watch.filter.early = self.early;
        watch
    }

    /// A summary needs no messages; metrics and traces also name processes and errors.
    fn detail(&self) -> Detail {
        match (self.summary, &self.pcapng) {
            (true, _) if !self.metrics.is_given() && !self.otlp.is_given() => Detail::Counted,
            (true, _) => Detail::Header,
            (false, Some(_)) => Detail::Full,
            (false, None) => Detail::Beginning,
        }
    }

    /// Opens everything that the run goes to: `view` on standard output, unless a file goes there.
    ///
    /// # Errors
    /// [`SessionError`] if something cannot be opened.
    pub fn sinks(&self, view: Box<dyn View>) -> Result<Sinks, SessionError> {
        let sinks = self.otlp.send(self.files().open(Some(view))?, true)?;
        self.metrics.serve(sinks)
    }

    /// Whether standard output carries data for another program.
    fn needs_stdout(&self) -> bool {
        self.format == Format::Json || self.files().is_stdout()
    }

    /// Files that are written in addition to what is shown.
    fn files(&self) -> Files<'_> {
        Files::of(self.record.as_deref(), self.pcapng.as_deref())
            .with_report(self.report.as_deref(), self.keeping.report_limit)
    }
}
