// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user doctor`.

use clap::{ArgAction, Args};
use colorchoice_clap::Color;

use super::Format;

const EXAMPLES: &str = "\
Examples:
  sudo greet-user doctor           check everything, and how to fix what is missing
  greet-user doctor                check what is possible without privileges
  sudo greet-user doctor --json | jq 'select(.verdict == \"failure\")'

Exit status:
  0  tracing and greeting work
  1  tracing works, with limits: a stage or greetings do not work, or could not be checked
  2  tracing cannot work: privileges, the kernel's BTF, or every kind of hook are missing";

/// How to show the results.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorOptions {
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Short for `--format json`
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// Print the tracer's diagnostics to standard error (as RUST_LOG does)
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,

    /// When to use colors
    #[command(flatten)]
    pub color: Color,
}

impl DoctorOptions {
    /// The output format.
    #[must_use]
    pub const fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}
