// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask demo`: the main job, from nothing, in one command.

mod host;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anyhow::Result;
use xtask::frame::Run;

use crate::cli::DemoOptions;
use crate::paths::Paths;
use crate::progress::Step;
use crate::shell::{self, Ready};
use crate::vm::{self, Limits, Sinks, Vm};

const DEADLINE: Duration = Duration::from_secs(300);

/// Greets in a virtual machine, or on this machine's own kernel.
///
/// # Errors
/// Where a part of it cannot be made ready, or fails.
pub fn run(paths: &Paths, options: &DemoOptions) -> Result<u8> {
    if options.host {
        return host::run(paths, options);
    }
    let Ready { tools, archive } = shell::make_ready(paths, &options.kernel)?;
    let kernel = &tools.kernels[0];
    let limits = Limits {
        deadline: Some(DEADLINE),
        ..Limits::default()
    };
    let size = vm::terminal_size();
    let run = Run {
        command: Some(command(&options.arguments)),
        stdin: false,
        load_module: true,
        size,
    };

    let step = Step::start(format!("booting {}", kernel.release));
    let mut out = AfterBoot {
        step: Some(step),
        out: io::stdout(),
    };
    let machine = Vm::new(paths, &tools.debian, kernel, limits);
    let sinks = Sinks {
        out: &mut out,
        err: &mut io::stderr(),
    };
    Ok(machine.run(&archive, &run, sinks, None)?.status())
}

/// What is typed in the machine. Its output is a pipe there: that it ends on a
/// terminal, and how wide that is, has to be said.
fn command(arguments: &[String]) -> String {
    let is_terminal = io::stdout().is_terminal();
    let colour = is_terminal && std::env::var_os("NO_COLOR").is_none();
    let mut words = vec![
        "env".to_owned(),
        format!("COLUMNS={}", vm::terminal_size().columns),
    ];
    words.extend(colour.then(|| "CLICOLOR_FORCE=1".to_owned()));
    words.extend(["greet-user", "--trace"].map(str::to_owned));
    words.extend(is_terminal.then(|| "--unicode".to_owned()));
    words.extend(arguments.iter().map(|argument| quote(argument)));
    words.join(" ")
}

/// One word for the shell, whatever is in it.
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Ends the step "booting" with the first byte of output.
struct AfterBoot {
    step: Option<Step>,
    out: io::Stdout,
}

impl io::Write for AfterBoot {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(step) = self.step.take() {
            step.done("the module is loaded, greet-user runs");
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn the_shell_takes_a_quoted_word_as_it_is() {
        assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quote(""), "''");
    }
}
