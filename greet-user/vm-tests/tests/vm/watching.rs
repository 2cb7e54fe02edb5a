// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs `greet-user watch` alongside a test.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{command, of_kind};

/// A running `greet-user watch --format json`.
pub struct Watching {
    child: Child,
    out: BufReader<ChildStdout>,
    lines: Vec<Value>,
}

impl Watching {
    /// Starts it; everything is attached when this returns.
    pub fn start(arguments: &[&str]) -> Self {
        let mut all = vec!["watch", "--format", "json"];
        all.extend(arguments);
        let mut command = command(&all);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("starts");
        let out = BufReader::new(child.stdout.take().expect("is piped"));
        let mut watching = Self {
            child,
            out,
            lines: Vec::new(),
        };
        watching.read_until("it is attached", |line| line["kind"] == "start");
        watching
    }

    /// Reads until a line matches.
    pub fn read_until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) {
        loop {
            let line = self.line();
            let line = line.unwrap_or_else(|| {
                let status = self.child.wait().expect("can be waited for");
                panic!("it ended before {what}: {status}")
            });
            let found = fits(&line);
            self.lines.push(line);
            if found {
                return;
            }
        }
    }

    fn line(&mut self) -> Option<Value> {
        let mut text = String::new();
        let read = self.out.read_line(&mut text).expect("reads");
        (read > 0)
            .then(|| serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// Its process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops it; returns all its lines, the last of which is the summary. Checks that nothing was
    /// lost.
    pub fn stop(mut self) -> Vec<Value> {
        signal(self.id(), Signal::INT);
        while let Some(line) = self.line() {
            self.lines.push(line);
        }
        assert_eq!(self.child.wait().expect("ends").code(), Some(0));
        nothing_lost(&self.lines);
        self.lines
    }
}

/// Sends a signal to a process.
pub fn signal(process: u32, signal: Signal) {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process ID"), signal).expect("it is running");
}

/// Checks in the summary that nothing was lost.
pub fn nothing_lost(lines: &[Value]) {
    let summary = lines.last().expect("lines");
    assert_eq!(summary["kind"], "summary");
    for count in ["events_dropped", "unmatched"] {
        assert_eq!(summary[count], 0, "{count}: {summary}");
    }
}

/// The messages in the order in which they crossed.
pub fn messages(lines: &[Value]) -> Vec<&Value> {
    let mut messages = of_kind(lines, "message");
    // They are written when their call ends, so a request follows the calls that ended before it.
    messages.sort_by_key(|message| message["t_ns"].as_u64().expect("a time"));
    messages
}
