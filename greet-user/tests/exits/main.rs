// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a run ends: when its output is not read, and on every signal. Replays of a recording need no
//! root, and write and draw like live runs.

mod blocked;
#[path = "../support/entries.rs"]
mod entries;
#[path = "../support/package.rs"]
mod package;
#[path = "../support/program.rs"]
mod program;
mod pty;
mod screen;

use std::{
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Timeout for things that must happen, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; panics on timeout.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// `greet-user` with default handling of all signals: under nohup(1), or in the background of a
/// script, some are ignored, and programs inherit that.
fn greet_user() -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(program::program());
    command
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

fn ended(child: &mut Child) -> ExitStatus {
    let mut status = None;
    until("its end", || {
        status = child.try_wait().expect("it is ours");
        status.is_some()
    });
    status.expect("it has ended")
}
