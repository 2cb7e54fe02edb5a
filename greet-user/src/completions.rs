// SPDX-License-Identifier: MIT OR Apache-2.0
//! Completion scripts for shells.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::cli::Cli;

/// With a hyphen in the program's name, clap_complete's bash script never finds the options of a
/// subcommand (clap-rs/clap#6421).
const UNHYPHENED: &str = "greet_user";

/// Writes the script for `shell` to standard output.
///
/// # Errors
/// If it cannot be written.
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
    if shell == Shell::Bash {
        generate(shell, &mut command, UNHYPHENED, &mut script);
        // The program's real name, the last word of these lines, is what gets completed.
        let script = String::from_utf8_lossy(&script);
        let (ours, theirs) = (format!(" {name}\n"), format!(" {UNHYPHENED}\n"));
        return script.replace(&theirs, &ours).into_bytes();
    }
    generate(shell, &mut command, name, &mut script);
    script
}
