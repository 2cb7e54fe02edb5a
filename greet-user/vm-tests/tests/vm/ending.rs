// SPDX-License-Identifier: MIT OR Apache-2.0
//! However `greet-user watch` ends, it leaves nothing behind: no program, no probe, nothing pinned,
//! no process.

use std::{
    fs,
    io::{BufRead, BufReader, Read as _},
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Child, ChildStdout, Command, Stdio},
};

use greet_common::wire::NETLINK_TEST_PROTOCOL;
use greet_trace::tracer::{Filter, Plan, Tracer};
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    detach::Attached,
    support::{greet_user, in_vm, require_vm, stdout_of, until},
    watching::signal,
};

/// Greets until it is killed.
const ENDLESS: [&str; 6] = ["greet-user", "-q", "-c", "1000000000", "-i", "0.01"];

/// A running watcher.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    before: Attached,
}

impl Running {
    /// Starts a watcher and waits until it has shown an exchange.
    fn start(command: &[&str]) -> Self {
        require_vm();
        let before = Attached::now();
        assert!(processes("greet-user").is_empty(), "left by another test");
        let mut words = vec!["watch", "-p", "31", "--format", "json"];
        if !command.is_empty() {
            words.push("--");
            words.extend(command);
        }
        // Otherwise the command's output would go to our standard error.
        let mut child = crate::support::command(&words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("is piped"));
        read_until(&mut lines, "\"kind\":\"start\"");
        if command.is_empty() {
            stdout_of(&greet_user(&["-q"]), 0);
        }
        read_until(&mut lines, "\"kind\":\"exchange\"");
        let during = Attached::now();
        assert!(during.programs.difference(&before.programs).count() > 5);
        assert!(during.kprobes > before.kprobes, "found by itself");
        Self {
            child,
            lines,
            before,
        }
    }

    /// Waits for it to exit; returns the exit status and the last line.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("reads");
        let status = self.child.wait().expect("ends");
        nothing_is_left(&self.before);
        let last = rest.lines().last().unwrap_or_default().to_owned();
        (status.code(), last)
    }
}

fn read_until(lines: &mut impl BufRead, words: &str) {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        let read = lines.read_line(&mut line).expect("reads");
        assert_ne!(read, 0, "it ended before {words}");
    }
}

/// Checks that nothing is attached or pinned.
fn nothing_is_left(before: &Attached) {
    until("everything is detached", || Attached::now() == *before);
    let pinned = fs::read_dir("/sys/fs/bpf").expect("bpffs is mounted");
    let pinned: Vec<_> = pinned
        .map(|entry| entry.expect("is listed").path())
        // The kernel itself puts its iterators there.
        .filter(|path| !path.to_string_lossy().ends_with(".debug"))
        .collect();
    assert!(pinned.is_empty(), "{pinned:?}");
}

/// The running processes with this name, not counting zombies.
fn processes(name: &str) -> Vec<u32> {
    let is_it = |pid: &u32| {
        // A process that has exited in the meantime is not running.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().unwrap_or_default();
        stat.contains(&format!("({name})")) && !state.starts_with('Z')
    };
    let entries = fs::read_dir("/proc").expect("proc is mounted");
    let names = entries.map(|entry| entry.expect("is listed").file_name());
    let pids = names.filter_map(|name| name.to_str()?.parse().ok());
    pids.filter(is_it).collect()
}

/// Checks that no process with this name is left. Any that is gets killed, and the test fails.
fn nobody_is_left(name: &str) {
    let waited = catch_unwind(|| until("its end", || processes(name).is_empty()));
    let left = processes(name);
    left.iter().for_each(|pid| signal(*pid, Signal::KILL));
    until("they end", || processes(name).is_empty());
    assert!(waited.is_ok(), "{name} still ran: {left:?}");
}

#[test]
fn by_itself_or_before_it_began() {
    require_vm();
    let before = Attached::now();
    let words = ["watch", "--format", "json", "--", "greet-user", "-q"];
    stdout_of(&greet_user(&words), 0);
    nothing_is_left(&before);
    stdout_of(&greet_user(&["watch", "--", "no-such-command"]), 2);
    nothing_is_left(&before);
    stdout_of(&greet_user(&["watch", "--callback", "no_such_function"]), 2);
    nothing_is_left(&before);
    nobody_is_left("greet-user");
}

#[test]
fn by_sigint_and_sigterm_with_a_summary() {
    for told in [Signal::INT, Signal::TERM] {
        let running = Running::start(&[]);
        signal(running.child.id(), told);
        let (status, last) = running.end();
        assert_eq!(status, Some(0));
        let summary: Value = serde_json::from_str(&last).expect("JSON");
        assert_eq!(
            (&summary["kind"], &summary["sent"]),
            (&"summary".into(), &1.into())
        );
        nobody_is_left("greet-user");
    }
}

#[test]
fn by_sigkill() {
    let running = Running::start(&[]);
    signal(running.child.id(), Signal::KILL);
    let (status, _) = running.end();
    assert_eq!(status, None, "killed");
    nobody_is_left("greet-user");
}

#[test]
fn by_a_reader_that_has_gone() {
    let Running {
        mut child,
        lines,
        before,
    } = Running::start(&[]);
    drop(lines);
    // It notices when it next has something to write.
    stdout_of(&greet_user(&["-q"]), 0);
    assert_eq!(child.wait().expect("ends by itself").code(), Some(1));
    nothing_is_left(&before);
    nobody_is_left("greet-user");
}

#[test]
fn by_a_panic() {
    in_vm(async {
        let before = Attached::now();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let plan = Plan::default();
            let filter = Filter::protocol(NETLINK_TEST_PROTOCOL);
            let mut tracer = Tracer::attach(&filter, &plan).expect("attaches");
            stdout_of(&greet_user(&["-q"]), 0);
            assert_ne!(Attached::now(), before);
            tracer.drain(usize::MAX, |_| panic!("at the first event"));
        }));
        let panic = panicked.expect_err("there was an event");
        assert_eq!(panic.downcast_ref(), Some(&"at the first event"));
        nothing_is_left(&before);
    });
}

#[test]
fn the_commands_whole_group_ends_with_its_watcher() {
    let endless = ENDLESS.join(" ");
    let script = format!("{endless} & {endless}");
    for told in [Signal::HUP, Signal::QUIT] {
        let running = Running::start(&["sh", "-c", &script]);
        assert_eq!(processes("greet-user").len(), 3, "two and their watcher");
        signal(running.child.id(), told);
        running.end();
        nobody_is_left("greet-user");
    }
}

#[test]
fn the_command_ends_with_a_watcher_that_nobody_reads() {
    require_vm();
    let before = Attached::now();
    let script = format!(
        "greet-user watch -p 31 --format json -- {} 2>/dev/null | head -n 1",
        ENDLESS.join(" ")
    );
    // The shell waits for both ends of the pipe, and the command keeps neither open.
    let output = Command::new("sh").args(["-c", &script]).output();
    let first = stdout_of(&output.expect("busybox is there"), 0);
    assert_eq!(first.lines().count(), 1, "{first}");
    nothing_is_left(&before);
    nobody_is_left("greet-user");
}
