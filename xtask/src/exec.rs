// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs other programs, with their output captured, logged, or passed through.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _, pipe};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::paths::Paths;
use crate::progress::Step;

/// How many of a failed command's last lines to show.
const TAIL: usize = 25;

/// Runs a command and returns its output.
///
/// # Errors
/// Fails if it cannot be started or fails; the error contains its standard error.
pub fn capture(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&capture_bytes(command)?).into_owned())
}

/// Like [`capture`], for output that is not text.
///
/// # Errors
/// Same as [`capture`].
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

/// Runs a long command: its output goes to a log, the newest line to the step.
///
/// # Errors
/// Fails if it cannot be started or fails; the error contains its last lines and names the log.
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
    // `command` holds the write end of the pipe: without this, the reader would never see EOF.
    let name = shown(command);
    *command = Command::new("true");

    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(file, "{line}")?;
        // cargo's JSON messages are not meant for people.
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

/// Whether a program is in `PATH`.
pub fn in_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// The command as a user would type it, without the environment.
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
