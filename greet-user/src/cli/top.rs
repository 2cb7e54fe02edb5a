// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user top`.

use std::path::PathBuf;

use clap::Args;

use super::{Drawing, MetricsOptions, OtlpOptions, ReportOptions, Scope, detail::Detail, subject};
use crate::{
    error::SessionError,
    sinks::{Files, Sinks},
    watch::{Output, Watch},
};

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

    /// Write a self-contained page for a browser at the end, with a summary and the diagram and
    /// bytes of each exchange
    #[arg(long, value_name = "FILE")]
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
    pub drawing: Drawing,
}

impl TopOptions {
    /// What to watch, and how it is described on the screen.
    #[must_use]
    pub fn watch(&self) -> (Watch, String) {
        let detail = match self.pcapng {
            Some(_) => Detail::Full,
            None => Detail::Beginning,
        };
        let watch = self.scope.watch(detail, Output::Nowhere);
        (watch, subject::of(&self.scope))
    }

    /// Opens everything that the run goes to besides the screen.
    ///
    /// # Errors
    /// [`SessionError`] if something cannot be opened.
    pub fn sinks(&self) -> Result<Sinks, SessionError> {
        let files = Files::of(self.record.as_deref(), self.pcapng.as_deref())
            .with_report(self.report.as_deref(), self.keeping.report_limit);
        let sinks = self.otlp.send(files.open(None)?, true)?;
        self.metrics.serve(sinks)
    }
}
