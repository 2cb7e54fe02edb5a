// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line.

mod show;

use std::{ffi::OsString, num::NonZeroU64, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, value_parser};
use greet_common::{Stage, event};

use crate::{event::protocol_number, tracer::Hooks};
pub use show::Show;

/// The largest `--snaplen`, bytes.
const SNAPLEN_MAX: i64 = event::SNAPLEN_MAX as i64;

const EXAMPLES: &str = "\
Examples:
  greet-user                       greet once; needs no privileges
  sudo greet-user --trace          show every crossing of the user/kernel boundary
  greet-user -c 5 -i 0.2 -q        five greetings, 0.2 s apart, and only the summary
  sudo greet-user watch -p route   show what crosses on NETLINK_ROUTE
  sudo greet-user watch -- ip link show what `ip link` asks and is told
  sudo greet-user --trace --format json | jq 'select(.kind == \"exchange\")'

Exit status: 0 if every greeting was answered, 1 if one was not, 2 if greeting was not possible.";

/// Greets the kernel over netlink and shows the message crossing the boundary.
#[derive(Clone, Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
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

    /// Seconds from one greeting to the next
    #[arg(short, long, value_name = "S", default_value = "1", value_parser = seconds)]
    pub interval: Duration,

    /// Send the next greeting as soon as the answer is there, and show the summary only (as -q
    /// does)
    #[arg(long, conflicts_with = "interval")]
    pub flood: bool,

    /// Seconds to wait for an answer
    #[arg(short = 'W', long, value_name = "S", default_value = "5", value_parser = seconds)]
    pub timeout: Duration,

    /// Repeat the text until it has this many bytes
    #[arg(short, long, value_name = "BYTES")]
    pub size: Option<usize>,

    /// Do not ask for an answer (leave NLM_F_ACK out)
    #[arg(long)]
    pub no_ack: bool,

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
    /// List all netlink sockets, and what the kernel calls for each of its own
    Sockets(SocketsOptions),
}

/// What to watch, and how to show it.
#[derive(Clone, Debug, Args)]
pub struct WatchOptions {
    /// Only this netlink protocol, by name or number; may be given several times
    #[arg(short, long = "protocol", value_name = "PROTO", value_parser = protocol_number)]
    pub protocols: Vec<u32>,

    /// Only this process
    #[arg(long, value_name = "N", conflicts_with = "command")]
    pub pid: Option<u32>,

    /// Only this port ID, at either end
    #[arg(long, value_name = "N")]
    pub port: Option<u32>,

    /// Only this network namespace, by its inode number (`readlink /proc/self/ns/net`)
    #[arg(long, value_name = "N|all", default_value = "all", value_parser = netns)]
    pub netns: Netns,

    /// Only processes with this command name
    #[arg(long, value_name = "NAME")]
    pub comm: Option<String>,

    /// Show the closing summary only, and copy no message
    #[arg(long)]
    pub summary: bool,

    /// Only these stages: send, cross, handle, reply, queue, handled, sent, receive, delivered
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = stage)]
    pub stages: Vec<Stage>,

    /// Copy up to so many bytes of each datagram, instead of 272 (one header and 256 bytes)
    #[arg(long, value_name = "BYTES", value_parser = value_parser!(u32).range(1..=SNAPLEN_MAX))]
    pub snaplen: Option<u32>,

    /// A function in the kernel that receives messages; may be given several times. Unless
    /// one is given, those of modules are found by themselves, and with `--stages handle` or
    /// `handled` those of the kernel as well
    #[arg(long, value_name = "SYMBOL")]
    pub callback: Vec<String>,

    /// How to hook into the kernel
    #[arg(long, value_enum, default_value_t = Hooks::Auto)]
    pub hooks: Hooks,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// How to draw
    #[command(flatten)]
    pub show: Show,

    /// A command to run: its traffic alone is shown, and its exit status is ours
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// How to list the sockets.
#[derive(Clone, Debug, Args)]
pub struct SocketsOptions {
    /// How to show them
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Show the tracer's diagnostics on standard error (as RUST_LOG does)
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

/// A network namespace's inode number; `None` for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Netns(pub Option<u32>);

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
    pub const fn interval(&self) -> Duration {
        if self.flood {
            Duration::ZERO
        } else {
            self.interval
        }
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

/// The text, said again and again, up to `size` bytes. A character that would be cut in
/// two is left out and its place filled with dots.
fn padded(text: &str, size: usize) -> String {
    let filler = if text.is_empty() { "." } else { text };
    let mut padded = String::with_capacity(size);
    for c in filler.chars().chain(std::iter::once(' ')).cycle() {
        if padded.len() + c.len_utf8() > size {
            break;
        }
        padded.push(c);
    }
    padded.extend(std::iter::repeat_n('.', size - padded.len()));
    padded
}

fn netns(text: &str) -> Result<Netns, String> {
    if text == "all" {
        return Ok(Netns(None));
    }
    let number = text
        .strip_prefix("net:[")
        .and_then(|rest| rest.strip_suffix(']'));
    match number.unwrap_or(text).parse() {
        Ok(number) if number != 0 => Ok(Netns(Some(number))),
        _ => Err("neither `all` nor the inode number of a network namespace".to_owned()),
    }
}

fn stage(text: &str) -> Result<Stage, String> {
    let found = Stage::ALL.into_iter().find(|stage| stage.name() == text);
    found.ok_or_else(|| {
        let names = Stage::ALL.map(Stage::name).join(", ");
        format!("there is no such stage; the stages are {names}")
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "not a number of seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_help_text() {
        Cli::command().debug_assert();
        insta::assert_snapshot!(Cli::command().term_width(100).render_long_help());
    }

    #[test]
    fn padding_is_exact_and_stays_text() {
        assert_eq!(padded("Hi", 8), "Hi Hi Hi");
        assert_eq!(padded("Hello", 2), "He");
        assert_eq!(padded("é", 4), "é .");
        assert_eq!(padded("", 3), ". .");
        for size in 0..40 {
            assert_eq!(padded("naïve ☂ text", size).len(), size);
        }
    }

    #[test]
    fn seconds_are_not_negative_nor_endless() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["-1", "nan", "inf", "1e30", "soon", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
