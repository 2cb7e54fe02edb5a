// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user watch`.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, value_parser};
use greet_common::{Stage, event};

use super::{
    Format, MetricsOptions, Show,
    named::{protocol, stage_name},
    parse::netns,
};
use crate::{
    collector::{Endpoint, endpoint},
    sinks::Files,
    tracer::Hooks,
};

/// The largest `--snaplen`, bytes.
const SNAPLEN_MAX: i64 = event::SNAPLEN_MAX as i64;

const EXAMPLES: &str = "\
Examples:
  sudo greet-user watch                        all netlink traffic of the machine, until Ctrl-C
  sudo greet-user watch -p route -p genl       of two protocols
  sudo greet-user watch -- ip link             what `ip link` asks and is told
  sudo greet-user watch --comm NetworkManager  of the processes of that name
  sudo greet-user watch --summary              times and counts alone, at the lowest cost
  sudo greet-user watch --stages send,handle,sent -p route
  sudo greet-user watch --summary --metrics 9478
  sudo greet-user watch --format json | jq 'select(.kind == \"exchange\")'

Exit status: 0, that of the COMMAND if there is one, or 2 if watching was not possible; what
then is missing, `greet-user doctor` tells.";

/// What to watch, and how to show it.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct WatchOptions {
    /// Only this netlink protocol, by name or number; may be given several times
    #[arg(short, long = "protocol", value_name = "PROTO", value_parser = protocol(), hide_possible_values = true)]
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
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = stage_name(), hide_possible_values = true)]
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

    /// Record everything in a file for `greet-user replay`; `-` for standard output, and then
    /// nothing else is shown
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// Write a capture file for Wireshark (pcapng), with whole messages unless `--snaplen` says
    /// how much of them; `-` for standard output, and then nothing else is shown
    #[arg(long, value_name = "FILE", conflicts_with = "summary")]
    pub pcapng: Option<PathBuf>,

    /// Send each exchange as a trace to the OpenTelemetry collector at this URL, such as
    /// http://localhost:4318
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    pub otlp: Option<Endpoint>,

    /// Metrics for Prometheus
    #[command(flatten)]
    pub metrics: MetricsOptions,

    /// A command to run: its traffic alone is shown, and its exit status is ours
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,

    /// How to draw
    #[command(flatten)]
    pub show: Show,
}

/// A network namespace's inode number; `None` for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Netns(pub Option<u32>);

impl WatchOptions {
    /// Is standard output for a program that reads ours?
    #[must_use]
    pub fn needs_stdout(&self) -> bool {
        self.format == Format::Json || self.files().is_stdout()
    }

    /// Is no more wanted than counts and times, which the kernel's side can put together? Metrics
    /// and traces name processes and errors.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        self.summary && self.metrics.metrics.is_none() && self.otlp.is_none()
    }

    /// What it is written to beside what is shown.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        Files::of(self.record.as_deref(), self.pcapng.as_deref())
    }
}
