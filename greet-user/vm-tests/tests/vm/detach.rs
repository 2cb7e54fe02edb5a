// SPDX-License-Identifier: MIT OR Apache-2.0
//! However a tracer ends, nothing stays attached.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Stdio},
};

use aya::programs::{loaded_links, loaded_programs};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{CALLBACK, command, greet_user, read, require_vm, stdout_of, until};

/// All BPF objects in the kernel, and the kprobes on the callback.
#[derive(Debug, PartialEq, Eq)]
pub struct Attached {
    pub programs: BTreeSet<u32>,
    links: BTreeSet<u32>,
    pub kprobes: usize,
}

impl Attached {
    pub fn now() -> Self {
        // Objects that disappear while being listed do not count.
        let programs = loaded_programs().filter_map(|program| Some(program.ok()?.id()));
        let links = loaded_links().filter_map(|link| Some(link.ok()?.id()));
        let kprobes = read("/sys/kernel/debug/kprobes/list");
        Self {
            programs: programs.collect(),
            links: links.collect(),
            kprobes: kprobes
                .lines()
                .filter(|line| line.contains(CALLBACK))
                .count(),
        }
    }
}

/// A running tracer.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    before: Attached,
}

impl Running {
    /// Starts a tracer and waits until it has traced a greeting.
    fn start() -> Self {
        require_vm();
        let before = Attached::now();
        assert_eq!(before.kprobes, 0, "left behind by another test");
        let arguments = ["--trace", "--format", "json", "-c", "1000000", "-i", "0.05"];
        let mut child = command(&arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("is piped"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("reads");
        let start: Value = serde_json::from_str(&line).expect("JSON");
        let hooks = start["hooks"].as_array().map_or(0, Vec::len);
        while !line.contains("\"kind\":\"exchange\"") {
            line.clear();
            assert_ne!(
                lines.read_line(&mut line).expect("reads"),
                0,
                "it ended early"
            );
        }
        let during = Attached::now();
        let programs = during.programs.difference(&before.programs).count();
        assert_eq!(programs, hooks, "a program for each hook that is shown");
        // On old kernels, kprobes are attached through perf events instead of links.
        assert!(during.links.difference(&before.links).count() >= 9);
        // The kprobe and the kretprobe.
        assert_eq!(during.kprobes, 2);
        Self {
            child,
            lines,
            before,
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process ID"), signal).expect("it is running");
    }

    /// Waits for it to exit; returns the exit status and the last line.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("reads");
        let status = self.child.wait().expect("ends");
        let Self { before, .. } = self;
        until("everything is detached", || Attached::now() == before);
        (
            status.code(),
            rest.lines().last().unwrap_or_default().to_owned(),
        )
    }
}

#[test]
fn after_an_ordinary_end() {
    require_vm();
    let before = Attached::now();
    stdout_of(&greet_user(&["--trace"]), 0);
    until("everything is detached", || Attached::now() == before);
}

#[test]
fn after_a_failure_to_attach() {
    require_vm();
    let before = Attached::now();
    stdout_of(
        &greet_user(&["--trace", "--callback", "no_such_function"]),
        2,
    );
    until("everything is detached", || Attached::now() == before);
}

#[test]
fn after_sigint_and_sigterm_with_a_summary() {
    for signal in [Signal::INT, Signal::TERM] {
        let running = Running::start();
        running.signal(signal);
        let (status, last) = running.end();
        assert_eq!(status, Some(0), "all greetings were answered");
        let summary: Value = serde_json::from_str(&last).expect("JSON");
        assert_eq!(summary["kind"], "summary");
        assert_eq!(summary["sent"], summary["received"]);
        assert_eq!(summary["events_dropped"], 0);
    }
}

#[test]
fn after_sigkill() {
    let running = Running::start();
    running.signal(Signal::KILL);
    let (status, _) = running.end();
    assert_eq!(status, None, "killed");
}

#[test]
fn after_the_reader_has_gone() {
    let Running {
        mut child,
        lines,
        before,
    } = Running::start();
    drop(lines);
    let status = child.wait().expect("ends by itself");
    assert_eq!(status.code(), Some(1));
    until("everything is detached", || Attached::now() == before);
}
