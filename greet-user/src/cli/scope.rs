// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which traffic to watch: the options that `watch` and `top` share.

use std::ffi::OsString;

use clap::{Args, value_parser};
use greet_common::{Stage, event};

use super::{
    named::{HooksArg, protocol, stage_name},
    parse::{name, netns},
};

/// The largest `--snaplen`, bytes.
const SNAPLEN_MAX: i64 = event::SNAPLEN_MAX as i64;

/// A network namespace's inode number; `None` for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Netns(pub Option<u32>);

/// Which traffic to watch.
#[derive(Clone, Debug, Args)]
pub struct Scope {
    /// Only this netlink protocol, by name or number; repeatable
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

    /// Only processes of this name: all their threads, whatever those are called
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub process: Option<String>,

    /// Only threads of this name (`/proc/PID/task/TID/comm`), and the io_uring workers of a
    /// process of this name; see --process for whole processes
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub comm: Option<String>,

    /// Only these stages: send, cross, handle, reply, queue, handled, sent, receive, delivered
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = stage_name(), hide_possible_values = true)]
    pub stages: Vec<Stage>,

    /// Copy up to BYTES of each datagram [default: 272, one header and 256 bytes]
    #[arg(long, value_name = "BYTES", value_parser = value_parser!(u32).range(1..=SNAPLEN_MAX))]
    pub snaplen: Option<u32>,

    /// Kernel function that receives messages; repeatable. By default those of modules are found
    /// automatically, and with `--stages handle` or `handled` those of the kernel as well
    #[arg(long, value_name = "SYMBOL")]
    pub callback: Vec<String>,

    /// Kind of hooks to attach
    #[arg(long, value_enum, default_value_t = HooksArg::Auto)]
    pub hooks: HooksArg,

    /// Command to run: only its traffic is shown, and its exit status is returned
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}
