// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line.

mod doctor;
mod documents;
mod heading;
mod metrics;
mod named;
mod otlp;
mod parse;
mod replay;
mod scope;
mod show;
mod sockets;
#[cfg(feature = "top")]
mod top;
mod watch;

use std::{env, num::NonZeroU64, path::PathBuf, time::Duration};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind, value_parser};

pub use doctor::DoctorOptions;
pub use documents::{CompletionsOptions, ManOptions};
pub use heading::HeadingOptions;
pub use metrics::MetricsOptions;
pub use otlp::OtlpOptions;
pub use replay::ReplayOptions;
pub use scope::{Netns, Scope};
pub use show::{Drawing, Show};
pub use sockets::SocketsOptions;
#[cfg(feature = "top")]
pub use top::TopOptions;
pub use watch::WatchOptions;

use crate::{
    event::escaped,
    output::REPORT_LIMIT,
    suggest::{did_you_mean, nearest},
    tracer::Hooks,
};
use parse::{padded, patience, seconds};

const EXAMPLES: &str = "\
Examples:
  greet-user                        greet once; needs no privileges
  sudo greet-user --trace           show every crossing of the user/kernel boundary
  greet-user -c 5 -i 0.2 -q         five greetings, 0.2 s apart, and only the summary
  sudo greet-user watch -p route    show what crosses on NETLINK_ROUTE
  sudo greet-user watch -- ip link  show what `ip link` asks and is told
  sudo greet-user top               who talks with whom, live on the whole screen
  greet-user --flags NLM_F_ACK      for a module that wants these flags and no others
  sudo greet-user doctor            what works here, and what to do about the rest
  sudo greet-user --trace --format json | jq 'select(.kind == \"exchange\")'

Exit status: 0 if every greeting was answered, 1 if one was not, 2 if greeting was not possible.";

/// Greets the kernel over netlink and shows the message crossing the boundary.
#[derive(Clone, Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
#[cfg_attr(feature = "otlp", command(mut_arg("otlp", |arg| arg.requires("trace"))))]
pub struct Cli {
    /// What else can be done
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The text to greet with
    #[arg(default_value = "Hello, how are you?")]
    pub message: String,

    /// How many greetings to send [default: 1; with --flood until Ctrl-C]
    #[arg(short, long, value_name = "N")]
    pub count: Option<NonZeroU64>,

    /// Seconds from one greeting to the next [default: 1; with --flood 0]
    #[arg(short, long, value_name = "S", value_parser = seconds)]
    pub interval: Option<Duration>,

    /// Send the next greeting as soon as the answer is there, and show the summary only (as -q
    /// does)
    #[arg(long)]
    pub flood: bool,

    /// Seconds to wait for an answer; 0 for as long as it takes
    #[arg(short = 'W', long, value_name = "S", default_value = "5", value_parser = patience)]
    pub timeout: Duration,

    /// Repeat the text until it has this many bytes
    #[arg(short, long, value_name = "BYTES")]
    pub size: Option<usize>,

    /// Do not ask for an answer (leave NLM_F_ACK out)
    #[arg(long)]
    pub no_ack: bool,

    /// What its header says
    #[command(flatten)]
    pub heading: HeadingOptions,

    /// Show each stage of the message's way through the kernel (needs root)
    #[arg(long)]
    pub trace: bool,

    /// The function in the kernel that receives the message; found by itself unless given
    #[arg(long, value_name = "SYMBOL", requires = "trace")]
    pub callback: Option<String>,

    /// How to hook into the kernel
    #[arg(long, value_enum, default_value_t = Hooks::Auto, requires = "trace")]
    pub hooks: Hooks,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Record the run in a file for `greet-user replay`; `-` for standard output, and then
    /// nothing else is shown
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// Write a capture file for Wireshark (pcapng), with whole messages; `-` for standard
    /// output, and then nothing else is shown
    #[arg(long, value_name = "FILE", requires = "trace")]
    pub pcapng: Option<PathBuf>,

    /// Write a page for a browser at the end, one file with everything in it: the summary, a
    /// diagram of each exchange, the bytes; `-` for standard output, and then nothing else is
    /// shown
    #[arg(long, value_name = "FILE", requires = "trace")]
    pub report: Option<PathBuf>,

    /// How many exchanges the report holds in full; all are counted
    #[arg(long, value_name = "N", requires = "report", default_value_t = REPORT_LIMIT, value_parser = value_parser!(u32).range(1..))]
    pub report_limit: u32,

    /// Traces for OpenTelemetry
    #[command(flatten)]
    pub otlp: OtlpOptions,

    /// Show the first line and the summary only
    #[arg(short, long)]
    pub quiet: bool,

    /// How to draw
    #[command(flatten)]
    pub show: Show,
}

/// What can be done beside greeting.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Show any netlink traffic, or that of one command (needs root)
    Watch(WatchOptions),
    /// Show who talks with whom, live on the whole screen (needs root)
    #[cfg(feature = "top")]
    Top(TopOptions),
    /// Show what was recorded, on any machine and without root
    Replay(ReplayOptions),
    /// List all netlink sockets, and what the kernel calls for each of its own
    Sockets(SocketsOptions),
    /// Check what of tracing works here, and tell what to do about the rest
    Doctor(DoctorOptions),
    /// Print what a shell needs to complete this command line
    Completions(CompletionsOptions),
    /// Print the manual
    Man(ManOptions),
}

/// How to show what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs: one JSON object a line
    Json,
}

impl Cli {
    /// How many greetings to send.
    #[must_use]
    pub fn count(&self) -> u64 {
        let default = if self.flood { u64::MAX } else { 1 };
        self.count.map_or(default, NonZeroU64::get)
    }

    /// How long from one greeting to the next.
    #[must_use]
    pub fn interval(&self) -> Duration {
        let default = Duration::from_secs(u64::from(!self.flood));
        self.interval.unwrap_or(default)
    }

    /// What was typed; ends the process where that is not understood.
    #[must_use]
    pub fn typed() -> Self {
        let cli = Self::parse();
        match cli.mistaken(env::args_os().len()) {
            Some(error) => error.exit(),
            None => cli,
        }
    }

    /// A lone word that is nearly a command was probably meant as one, and is not sent.
    fn mistaken(&self, arguments: usize) -> Option<clap::Error> {
        // The program, and the word.
        if self.command.is_some() || arguments != 2 {
            return None;
        }
        let mut program = Self::command();
        let word = &self.message;
        let commands = program.get_subcommands().map(clap::Command::get_name);
        let meant = nearest(word, commands)?.to_owned();
        let said = format!(
            "`{}` is no command{}\n\n  tip: `greet-user -- {0}` greets with it",
            escaped(word.as_bytes()),
            did_you_mean(Some(&meant)),
        );
        Some(program.error(ErrorKind::InvalidSubcommand, said))
    }

    /// Is only the summary shown?
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
