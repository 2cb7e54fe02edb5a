// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs promtool as a user would.

use std::{
    env,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Runs it with this standard input; if it complains, panics with its output.
pub fn promtool(arguments: &[&str], input: &str) -> String {
    let output = run(arguments, input);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    said
}

/// The same with a file.
pub fn check(what: &str, file: &Path) -> String {
    promtool(&[what, "rules", file.to_str().expect("UTF-8")], "")
}

/// Whether it complains.
pub fn complains(arguments: &[&str], input: &str) -> bool {
    !run(arguments, input).status.success()
}

fn run(arguments: &[&str], input: &str) -> Output {
    let program = env::var_os("GREET_PROMTOOL").unwrap_or_else(|| "promtool".into());
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::piped());
    let started = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.unwrap_or_else(|error| {
        panic!(
            "{} cannot be started ({error}): install Debian's `prometheus` package, or name \
             promtool in GREET_PROMTOOL",
            program.display()
        )
    });
    let mut stdin = child.stdin.take().expect("is piped");
    // It may have seen enough before it has read everything.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().expect("ends")
}
