// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes of a watched command that end with it: its process group. If we are in the
//! foreground of a terminal, the command shares our group, so that the terminal's keys reach both
//! and it can read what is typed; otherwise it has its own group.

use std::{
    fs::{self, File},
    sync::atomic::{AtomicI32, Ordering::SeqCst},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group},
    termios::tcgetpgrp,
};

use crate::signals::deadline;

/// The command's group, or its negated PID if it shares ours; 0 for none. For a signal handler.
static RUNNING: AtomicI32 = AtomicI32::new(0);

/// The processes to end together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Group {
    /// All processes of this group.
    Own(Pid),
    /// This process, and its descendants in our group.
    Shared(Pid),
}

/// Whether our group is in the foreground of our terminal.
pub(super) fn is_shared() -> bool {
    let terminal = File::open("/dev/tty").ok();
    let foreground = terminal.and_then(|terminal| tcgetpgrp(terminal).ok());
    foreground.is_some_and(|group| group.as_raw_nonzero().get() == group_of(0))
}

/// The process group of a process, 0 for this one. A plain number, because the group of the first
/// process of a container or machine is 0, which rustix considers impossible. -1 if there is no
/// such process.
fn group_of(process: i32) -> i32 {
    #[expect(unsafe_code, reason = "rustix's `getpgid` does not know the group 0")]
    // SAFETY: takes and returns a number.
    unsafe {
        libc::getpgid(process)
    }
}

impl Group {
    /// Registers a running command, so that it is killed if this process has to exit immediately.
    pub(super) fn of(command: Pid, is_shared: bool) -> Self {
        let number = command.as_raw_nonzero().get();
        RUNNING.store(if is_shared { -number } else { number }, SeqCst);
        deadline::before_exit(end_at_once);
        match is_shared {
            true => Self::Shared(command),
            false => Self::Own(command),
        }
    }

    /// Sends a signal to all of them. If the command has no group of its own, this must not be
    /// called after it has been waited for: its PID may have been reused.
    pub(super) fn signal(self, signal: Signal) -> Result<(), Errno> {
        match self {
            Self::Own(group) => kill_process_group(group, signal),
            Self::Shared(command) => {
                let ours = group_of(0);
                for process in descendants(command) {
                    // Those with their own group are a shell's jobs, and up to the shell to end.
                    if group_of(process.as_raw_nonzero().get()) == ours {
                        kill_process(process, signal).unwrap_or_default();
                    }
                }
                kill_process(command, signal)
            }
        }
    }

    /// Whether any process of its own group is left.
    pub(super) fn is_left(self) -> bool {
        match self {
            Self::Own(group) => test_kill_process_group(group).is_ok(),
            Self::Shared(_) => false,
        }
    }
}

/// Unregisters a command that has ended.
pub(super) fn is_over() {
    RUNNING.store(0, SeqCst);
}

/// Called in a signal handler: makes only system calls.
fn end_at_once() {
    let number = RUNNING.swap(0, SeqCst);
    let Some(pid) = Pid::from_raw(number.saturating_abs()) else {
        return;
    };
    let ended = match number > 0 {
        true => kill_process_group(pid, Signal::KILL),
        false => kill_process(pid, Signal::KILL),
    };
    ended.unwrap_or_default();
}

/// The descendants of this process, as far as /proc shows them.
fn descendants(process: Pid) -> Vec<Pid> {
    let mut found = Vec::new();
    let mut waiting = vec![process];
    while let Some(process) = waiting.pop() {
        let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero()));
        for thread in threads.into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children"));
            let children = children.unwrap_or_default();
            let children = children
                .split_whitespace()
                .filter_map(|pid| pid.parse().ok());
            for child in children.filter_map(Pid::from_raw) {
                found.push(child);
                waiting.push(child);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn grandchildren_are_found() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & read line"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh");
        let pid = Pid::from_child(&shell);
        let mut found = Vec::new();
        for _ in 0..500 {
            found = descendants(pid);
            if !found.is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(found.len(), 1);
        Group::Shared(pid).signal(Signal::KILL).expect("they run");
        let status = shell.wait().expect("it ends");
        assert!(!status.success());
        assert!(descendants(pid).is_empty());
    }
}
