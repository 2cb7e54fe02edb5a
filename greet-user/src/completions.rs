// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a shell needs to complete our command line.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::cli::Cli;

/// Writes the script for this shell to standard output.
///
/// # Errors
/// What writing ran into.
pub fn print(shell: Shell) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&script(shell))?;
    out.flush()
}

/// The script.
#[must_use]
pub fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    generate(shell, &mut command, name, &mut script);
    script
}
