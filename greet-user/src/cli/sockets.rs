// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user sockets`.

use clap::{ArgAction, Args};

use super::Format;

const EXAMPLES: &str = "\
Examples:
  sudo greet-user sockets          all network namespaces, with receive callbacks
  greet-user sockets               this namespace only, without privileges
  sudo greet-user sockets --format json | jq 'select(.drops > 0)'";

/// How to list the sockets.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SocketsOptions {
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Print the tracer's diagnostics to standard error (as RUST_LOG does)
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}
