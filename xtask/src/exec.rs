// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs other programs: with their output captured, logged, or passed through.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _, pipe};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::paths::Paths;
use crate::progress::Step;

/// How many of a failed command's last lines are shown.
const TAIL: usize = 25;

/// Runs a command and returns what it printed.
///
/// # Errors
/// Where it cannot be started or fails; what it said on standard error is in the error.
pub fn capture(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&capture_bytes(command)?).into_owned())
}

/// As [`capture`], for what is not text.
///
/// # Errors
/// As [`capture`].
pub fn capture_bytes(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .output()
        .map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed ({}): {}",
            shown(command),
            output.status,
            said.trim()
        );
    }
    Ok(output.stdout)
}

/// Runs a long command: its output goes to a log, its newest line to the step.
///
/// # Errors
/// Where it cannot be started or fails: the error holds its last lines and names the log.
pub fn logged(command: &mut Command, log: &Path, step: &Step) -> Result<Vec<String>> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    let (reader, writer) = pipe()?;
    command
        .stdin(std::process::Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .map_err(|error| not_started(command, &error))?;
    // `command` holds the pipe's other end: the reader would never see the end.
    let name = shown(command);
    *command = Command::new("true");

    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(file, "{line}")?;
        // cargo's JSON messages are for programs.
        if !line.starts_with('{') {
            step.line(line.trim());
        }
        lines.push(line);
    }
    let status = child.wait()?;
    if !status.success() {
        let told: Vec<_> = lines
            .iter()
            .filter(|line| !line.starts_with('{'))
            .cloned()
            .collect();
        let tail = told[told.len().saturating_sub(TAIL)..].join("\n    ");
        let log = Paths::short(log);
        bail!("`{name}` failed ({status}); the whole log is {log}, its last lines:\n    {tail}");
    }
    Ok(lines)
}

/// Whether a program can be found in `PATH`.
pub fn in_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// The command as one would type it, without the environment.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn not_started(command: &Command, error: &std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => {
            anyhow!(
                "the program `{program}` is not installed; install the package that has it, e.g. `sudo apt-get install {program}`"
            )
        }
        _ => anyhow!("cannot start `{program}`: {error}"),
    }
}
