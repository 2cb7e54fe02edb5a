// SPDX-License-Identifier: MIT OR Apache-2.0
//! The terminal is restored, whatever ends the program; a terminal that misreports its size is
//! drawn on nonetheless.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};

use crate::{ended, greet_user, package::recording, pty::Pty, signal, until};

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// A program that has taken over the screen.
struct Running {
    pty: Pty,
    child: Child,
    before: String,
}

impl Running {
    fn start(columns: u16, rows: u16) -> Self {
        let mut replay = greet_user();
        replay
            .arg("replay")
            .arg(recording("v1-watch.greet"))
            .arg("--top");
        Self::of(Pty::open(columns, rows), &mut replay)
    }

    fn of(mut pty: Pty, command: &mut Command) -> Self {
        let before = pty.settings();
        let child = pty.start(command);
        until("it takes the terminal", || pty.has(ENTER));
        assert_ne!(pty.settings(), before);
        Self { pty, child, before }
    }

    /// Waits for it to end, and checks that the terminal is as before.
    fn end(mut self, what: &str) -> std::process::ExitStatus {
        let status = ended(&mut self.child);
        assert!(self.pty.has(LEAVE), "{what}: {status}");
        assert_eq!(self.pty.settings(), self.before, "{what}: {status}");
        status
    }
}

/// Signals that terminate a process by default and can be caught.
fn ending() -> impl Iterator<Item = i32> {
    let not = [
        libc::SIGKILL,
        libc::SIGSTOP,
        libc::SIGCHLD,
        libc::SIGCONT,
        libc::SIGURG,
        libc::SIGWINCH,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
        // Ignored by every program written in Rust.
        libc::SIGPIPE,
    ];
    let standard = (1..32).filter(move |number| !not.contains(number));
    standard.chain([libc::SIGRTMIN(), libc::SIGRTMIN() + 7, libc::SIGRTMAX()])
}

#[test]
fn every_signal_that_can_be_caught_gives_it_back() {
    for number in ending() {
        let running = Running::start(80, 24);
        #[expect(unsafe_code, reason = "rustix knows no real-time signals")]
        // SAFETY: it takes two integers, and the child has not been reaped.
        let sent = unsafe { libc::kill(running.child.id().cast_signed(), number) };
        assert_eq!(sent, 0);
        let status = running.end(&format!("signal {number}"));
        // A fault signal terminates it as it would have without a handler.
        assert!(
            status.signal().is_none_or(|by| by == number),
            "{number}: {status}"
        );
    }
}

#[test]
fn a_size_that_cannot_be_is_drawn_in_part() {
    let mut running = Running::start(65_535, 65_535);
    let pty = &mut running.pty;
    until("it is drawn", || pty.has("Conversations"));
    let peak = in_status(&running.child, "VmHWM:");
    assert!(peak < 200_000, "{peak} kB");
    running.pty.types("q");
    assert_eq!(running.end("q").code(), Some(0));
    // Plain lines do not need a size.
    let mut pty = Pty::open(65_535, 65_535);
    let mut replay = greet_user();
    replay.arg("replay").arg(recording("v1-watch.greet"));
    let mut child = pty.start(&mut replay);
    let mut status = None;
    until("its end", || {
        pty.has("\n");
        status = child.try_wait().expect("it is ours");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    assert!(pty.has("netlink statistics") && pty.written.len() < 10_000_000);
}

#[test]
fn a_failed_allocation_gives_it_back() {
    let mut running = Running::start(80, 24);
    until("it is drawn", || running.pty.has("Conversations"));
    // It may not use more memory than it has, and a larger terminal needs more.
    let size = in_status(&running.child, "VmData:") * 1_024;
    let limit = Rlimit {
        current: Some(size),
        maximum: Some(size),
    };
    prlimit(Some(Pid::from_child(&running.child)), Resource::Data, limit).expect("it is ours");
    running.pty.resize(1_000, 400);
    let status = running.end("a failed allocation");
    assert_eq!(status.signal(), Some(libc::SIGABRT));
}

/// A number in `/proc/PID/status`, in kB.
fn in_status(child: &Child, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)).expect(name);
    let number = line.split_whitespace().next().expect("a number");
    number.parse().expect("a number")
}

#[test]
fn it_is_drawn_again_after_a_stop() {
    let mut running = Running::start(80, 24);
    for (number, name) in [
        (Signal::TSTP, "TSTP"),
        (Signal::TTIN, "TTIN"),
        (Signal::TTOU, "TTOU"),
    ] {
        signal(&running.child, number);
        let id = running.child.id();
        until(name, || {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .is_some_and(|rest| rest.starts_with('T'))
        });
        assert!(
            running.pty.has(LEAVE) && running.pty.settings() == running.before,
            "{name}"
        );
        running.pty.written.clear();
        signal(&running.child, Signal::CONT);
        let pty = &mut running.pty;
        until("it has the screen again", || pty.has(ENTER));
    }
    running.pty.types("q");
    assert_eq!(running.end("q").code(), Some(0));
}
