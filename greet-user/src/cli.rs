// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line.

mod detail;
mod doctor;
mod documents;
mod heading;
mod metrics;
mod named;
mod otlp;
mod parse;
mod replay;
mod report;
mod scope;
mod show;
mod sockets;
#[cfg(feature = "top")]
mod subject;
#[cfg(feature = "top")]
mod top;
mod watch;

use std::{env, num::NonZeroU64, path::PathBuf, process, time::Duration};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};
use greet_common::{event::SNAPLEN_MAX, wire::NETLINK_TEST_PROTOCOL};
use greet_trace::{
    event::escaped,
    suggest::{did_you_mean, nearest},
    tracer::{Callbacks, Filter, Plan},
};

pub use doctor::DoctorOptions;
pub use documents::{CompletionsOptions, ManOptions};
pub use heading::HeadingOptions;
pub use metrics::MetricsOptions;
pub use named::HooksArg;
pub use otlp::OtlpOptions;
pub use replay::ReplayOptions;
pub use report::ReportOptions;
pub use scope::{Netns, Scope};
#[cfg(feature = "top")]
pub use show::Drawing;
pub use show::Show;
pub use sockets::SocketsOptions;
#[cfg(feature = "top")]
pub use top::TopOptions;
pub use watch::WatchOptions;

use crate::{
    error::SessionError,
    session::Greetings,
    sinks::{Files, Sinks},
    view::View,
};
use parse::{padded, patience, seconds};

const EXAMPLES: &str = "\
Examples:
  greet-user                        send one greeting; needs no privileges
  sudo greet-user --trace           show every crossing of the user/kernel boundary
  greet-user -c 5 -i 0.2 -q         five greetings, 0.2 s apart; summary only
  sudo greet-user watch -p route    show all traffic of NETLINK_ROUTE
  sudo greet-user watch -- ip link  show the requests of `ip link` and their replies
  sudo greet-user top               who talks to whom, live, full screen
  greet-user --flags NLM_F_ACK      for a module that accepts exactly these flags
  sudo greet-user doctor            what works here, and how to fix the rest
  sudo greet-user --trace --format json | jq 'select(.kind == \"exchange\")'

Exit status: 0 if every greeting was answered, 1 if one was not, 2 if none could be sent.";

/// Greets the kernel over netlink and shows the message crossing the boundary.
#[derive(Clone, Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
#[cfg_attr(feature = "otlp", command(mut_arg("otlp", |arg| arg.requires("trace"))))]
#[cfg_attr(feature = "metrics", command(mut_arg("metrics", |arg| arg.requires("trace"))))]
pub struct Cli {
    /// What to do other than greet
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Text of the greeting
    #[arg(default_value = "Hello, how are you?")]
    pub message: String,

    /// Number of greetings to send [default: 1; with --flood, until Ctrl-C]
    #[arg(short, long, value_name = "N")]
    pub count: Option<NonZeroU64>,

    /// Seconds between greetings [default: 1; with --flood, 0]
    #[arg(short, long, value_name = "S", value_parser = seconds)]
    pub interval: Option<Duration>,

    /// Send each greeting as soon as the previous one is answered; summary only, as with -q
    #[arg(long)]
    pub flood: bool,

    /// Seconds to wait for a reply; 0 waits forever
    #[arg(short = 'W', long, value_name = "S", default_value = "5", value_parser = patience)]
    pub timeout: Duration,

    /// Repeat the text until it has this many bytes
    #[arg(short, long, value_name = "BYTES")]
    pub size: Option<usize>,

    /// Request no reply (leave out NLM_F_ACK)
    #[arg(long)]
    pub no_ack: bool,

    /// Fields of the message header
    #[command(flatten)]
    pub heading: HeadingOptions,

    /// Show each stage of the message's path through the kernel (needs root)
    #[arg(long)]
    pub trace: bool,

    /// Kernel function that receives the message [default: found automatically]
    #[arg(long, value_name = "SYMBOL", requires = "trace")]
    pub callback: Option<String>,

    /// Kind of hooks to attach
    #[arg(long, value_enum, default_value_t = HooksArg::Auto, requires = "trace")]
    pub hooks: HooksArg,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Record the run in FILE for `greet-user replay`; `-` writes to standard output and shows
    /// nothing else
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// Write a capture file for Wireshark (pcapng) with complete messages; `-` writes to standard
    /// output and shows nothing else
    #[arg(long, value_name = "FILE", requires = "trace")]
    pub pcapng: Option<PathBuf>,

    /// Write a self-contained page for a browser at the end, with a summary and the diagram and
    /// bytes of each exchange; `-` writes to standard output and shows nothing else
    #[arg(long, value_name = "FILE", requires = "trace")]
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

    /// Show only the first line and the summary
    #[arg(short, long)]
    pub quiet: bool,

    /// How to draw
    #[command(flatten)]
    pub show: Show,
}

/// What to do other than greet.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Show netlink traffic of the machine, or of one command (needs root)
    Watch(WatchOptions),
    /// Show who talks to whom, live, full screen (needs root)
    #[cfg(feature = "top")]
    Top(TopOptions),
    /// Replay a recording, on any machine and without root
    Replay(ReplayOptions),
    /// List netlink sockets, with the receive callbacks of the kernel's own
    Sockets(SocketsOptions),
    /// Check what works on this machine, and how to fix the rest
    Doctor(DoctorOptions),
    /// Print a completion script for a shell
    Completions(CompletionsOptions),
    /// Print the manual page
    Man(ManOptions),
}

/// The output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Human-readable text
    Human,
    /// One JSON object per line
    Json,
}

impl Cli {
    /// Number of greetings to send.
    #[must_use]
    pub fn count(&self) -> u64 {
        let default = if self.flood { u64::MAX } else { 1 };
        self.count.map_or(default, NonZeroU64::get)
    }

    /// Time between greetings.
    #[must_use]
    pub fn interval(&self) -> Duration {
        let default = Duration::from_secs(u64::from(!self.flood));
        self.interval.unwrap_or(default)
    }

    /// What to send, and whether to trace it.
    #[must_use]
    pub fn greetings(&self) -> Greetings {
        Greetings {
            text: self.text(),
            heading: self.heading.heading(!self.no_ack),
            is_answered: !self.no_ack,
            count: self.count(),
            interval: self.interval(),
            timeout: self.timeout,
            trace: self.trace.then(|| self.tracing()),
        }
    }

    fn tracing(&self) -> (Filter, Plan) {
        let mut filter = Filter::protocol(NETLINK_TEST_PROTOCOL).of_process(process::id());
        if self.pcapng.is_some() {
            // A capture is expected to be complete.
            filter.snaplen = SNAPLEN_MAX as u32;
        }
        let mut plan = Plan {
            hooks: self.hooks.into(),
            ..Plan::default()
        };
        if let Some(callback) = &self.callback {
            plan.callbacks = Callbacks::Named(vec![callback.clone()]);
        }
        (filter, plan)
    }

    /// Opens everything that the run goes to: `view` on standard output, unless a file goes there.
    ///
    /// # Errors
    /// [`SessionError`] if something cannot be opened.
    pub fn sinks(&self, view: Box<dyn View>) -> Result<Sinks, SessionError> {
        let files = Files::of(self.record.as_deref(), self.pcapng.as_deref())
            .with_report(self.report.as_deref(), self.keeping.report_limit);
        let sinks = self.otlp.send(files.open(Some(view))?, true)?;
        self.metrics.serve(sinks)
    }

    /// Parses the command line; exits if it is invalid.
    #[must_use]
    pub fn typed() -> Self {
        let cli = Self::parse();
        match cli.mistaken(env::args_os().len()) {
            Some(error) => error.exit(),
            None => cli,
        }
    }

    /// A lone word that is nearly a command was probably meant as one, and is not sent as a greeting.
    fn mistaken(&self, arguments: usize) -> Option<clap::Error> {
        // The program and the word.
        if self.command.is_some() || arguments != 2 {
            return None;
        }
        let mut program = Self::command();
        let word = &self.message;
        let commands = program.get_subcommands().map(clap::Command::get_name);
        let meant = nearest(word, commands)?.to_owned();
        let said = format!(
            "`{}` is not a command{}\n\n  tip: `greet-user -- {0}` greets with it",
            escaped(word.as_bytes()),
            did_you_mean(Some(&meant)),
        );
        Some(program.error(ErrorKind::InvalidSubcommand, said))
    }

    /// Whether only the summary is shown.
    #[must_use]
    pub const fn summary_only(&self) -> bool {
        self.quiet || self.flood
    }

    /// The text to send.
    #[must_use]
    pub fn text(&self) -> String {
        match self.size {
            None => self.message.clone(),
            Some(size) => padded(&self.message, size),
        }
    }
}

#[cfg(test)]
mod tests;
