// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user doctor`.

use clap::{ArgAction, Args};
use colorchoice_clap::Color;

use super::Format;

const EXAMPLES: &str = "\
Examples:
  sudo greet-user doctor           everything, and what to do about what is missing
  greet-user doctor                what can be told without privileges
  sudo greet-user doctor --json | jq 'select(.verdict == \"failure\")'

Exit status:
  0  tracing and greeting work
  1  tracing works, but something cannot be had or could not be checked: a stage, greetings
  2  tracing cannot work: the rights, the kernel's types, or hooks of any kind are missing";

/// How to show what was found.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorOptions {
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Short for `--format json`
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// Show the tracer's diagnostics on standard error (as RUST_LOG does)
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,

    /// When to use colours
    #[command(flatten)]
    pub color: Color,
}

impl DoctorOptions {
    /// How to show it.
    #[must_use]
    pub const fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}
