// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of `greet-user completions` and `greet-user man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  greet-user completions bash > ~/.local/share/bash-completion/completions/greet-user
  greet-user completions zsh > ~/.zfunc/_greet-user        with ~/.zfunc in $fpath
  greet-user completions fish > ~/.config/fish/completions/greet-user.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  greet-user man | man -l -                                read it now
  greet-user man --out ~/.local/share/man/man1             write a page for each command";

/// Which shell to complete for.
#[derive(Clone, Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsOptions {
    /// Shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Where to write the manual.
#[derive(Clone, Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManOptions {
    /// Write a page for each command to this directory instead of the main page to standard output
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
