// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user replay --otlp`, from its start to the line that reports the outcome.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A running replay.
pub struct Sending {
    child: Child,
    err: BufReader<ChildStderr>,
    began: Instant,
}

/// Its final report.
#[derive(Debug)]
pub struct Said {
    /// Exchanges: sent, not sent, and of the latter: queue full, refused, timed out.
    pub counts: [u64; 5],
    /// The entire line.
    pub line: String,
    /// Its duration.
    pub took: Duration,
}

impl Sending {
    pub fn start(file: &Path, url: &str) -> Self {
        Self::with(file, url, &[])
    }

    /// The same with these environment variables.
    pub fn with(file: &Path, url: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(crate::program::program());
        command.arg("replay").arg(file).args(["-q", "--otlp", url]);
        command
            .env("RUST_LOG", "warn")
            .envs(variables.iter().copied());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("greet-user starts");
        let err = BufReader::new(child.stderr.take().expect("is piped"));
        Self {
            child,
            err,
            began: Instant::now(),
        }
    }

    /// Reads its output until a line contains this.
    pub fn says(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.err.read_line(&mut line).expect("reads");
            assert!(read > 0, "it ended before it said `{part}`");
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Sends it SIGINT.
    pub fn interrupt(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process ID"), Signal::INT).expect("it is running");
    }

    /// Waits for its successful exit.
    pub fn ends(mut self) -> Said {
        let line = self.says("exchanges sent");
        assert!(self.child.wait().expect("ends").success());
        let numbers: Vec<u64> = line
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        let counts = *numbers.first_chunk().unwrap_or_else(|| panic!("{line}"));
        let [_, unsent, full, refused, ended] = counts;
        assert_eq!(unsent, full + refused + ended, "{line}");
        Said {
            counts,
            line,
            took: self.began.elapsed(),
        }
    }
}

/// The exchanges of a recording, as JSON.
pub fn exchanges(file: &Path) -> Vec<Value> {
    let mut command = Command::new(crate::program::program());
    let output = command
        .arg("replay")
        .arg(file)
        .args(["--format", "json"])
        .output();
    let out = String::from_utf8(output.expect("greet-user starts").stdout).expect("UTF-8");
    let lines = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines
        .filter(|line: &Value| line["kind"] == "exchange")
        .collect()
}
