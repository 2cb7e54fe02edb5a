// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask demo`: a traced greeting, from scratch, in one command.

mod host;

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use xtask::frame::Run;

use crate::artifacts::{Features, Profile};
use crate::cli::DemoOptions;
use crate::paths::Paths;
use crate::progress::{Step, say};
use crate::shell::{self, Ready};
use crate::vm::{self, Fetch, Limits, Sinks, Vm, Wanted};

const DEADLINE: Duration = Duration::from_secs(300);
/// Path inside the machine.
const REPORT: &str = "/tmp/report.html";
/// Options of `greet-user --trace` that [`Features::Few`] lacks.
const BEYOND_FEW: &[&str] = &["--otlp"];
/// The default greetings for a report: a single one has no distribution, and printing many takes
/// more lines than a screen has.
const FOR_A_REPORT: &[&str] = &["-c", "20", "-i", "0.02", "--oneline"];

/// Greets in a virtual machine, or on the host's own kernel.
///
/// # Errors
/// Fails if any part of it cannot be prepared, or fails.
pub fn run(paths: &Paths, options: &DemoOptions) -> Result<u8> {
    if options.host {
        return host::run(paths, options);
    }
    let wanted = options.report.as_ref();
    let wanted: Vec<_> = wanted
        .map(|report| Wanted::new(REPORT, report))
        .into_iter()
        .collect();
    let mut files = Fetch::of(&wanted)?;
    let Ready { tools, archive } =
        shell::make_ready(paths, &options.kernel, Profile::Dev, features(options))?;
    let kernel = &tools.kernels[0];
    let limits = Limits {
        deadline: Some(DEADLINE),
        ..Limits::default()
    };
    let size = vm::terminal_size();
    let run = Run {
        command: Some(command(options)),
        stdin: false,
        load_module: true,
        size,
        fetch: Vec::new(),
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
        files: &mut files,
    };
    let status = machine.run(&archive, &run, sinks, None)?.status();
    files.finish(status)?;
    if let Some(report) = options.report.as_ref().filter(|report| report.is_file()) {
        say(&format!("     ok the report: {}", report.display()));
    }
    Ok(status)
}

/// The shell command to run in the machine. Its stdout there is a pipe, so we must state that the
/// output ends up on a terminal, and how wide that is.
fn command(options: &DemoOptions) -> String {
    let is_terminal = io::stdout().is_terminal();
    let colour = is_terminal && std::env::var_os("NO_COLOR").is_none();
    let mut words = vec![
        "env".to_owned(),
        format!("COLUMNS={}", vm::terminal_size().columns),
    ];
    words.extend(colour.then(|| "CLICOLOR_FORCE=1".to_owned()));
    words.push("greet-user".to_owned());
    words.extend(is_terminal.then(|| "--unicode".to_owned()));
    let report = options.report.is_some().then(|| Path::new(REPORT));
    let arguments = arguments(options, report);
    words.extend(arguments.iter().map(|argument| quote(argument)));
    words.join(" ")
}

/// A first demo mostly waits for the compiler, so features that it does not use are left out.
fn features(options: &DemoOptions) -> Features {
    let needs = |argument: &String| BEYOND_FEW.iter().any(|option| argument.starts_with(option));
    match options.arguments.iter().any(needs) {
        true => Features::All,
        false => Features::Few,
    }
}

/// The arguments for greet-user.
fn arguments(options: &DemoOptions, report: Option<&Path>) -> Vec<String> {
    let mut arguments = vec!["--trace".to_owned()];
    if let Some(report) = report {
        arguments.extend(["--report".to_owned(), report.display().to_string()]);
        if options.arguments.is_empty() {
            arguments.extend(FOR_A_REPORT.iter().map(ToString::to_string));
        }
    }
    arguments.extend(options.arguments.iter().cloned());
    arguments
}

/// Quotes a string as one shell word, whatever it contains.
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Finishes the "booting" step at the first byte of output.
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
