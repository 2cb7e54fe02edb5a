// SPDX-License-Identifier: MIT OR Apache-2.0
//! Failures of the machine itself, and their exit statuses.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::kernel_reports;

/// The machine failed, not the command; `docker run` uses the same status.
pub const MACHINE_FAILED: u8 = 125;
/// The command timed out; `timeout` uses the same status.
pub const TIMED_OUT: u8 = 124;
/// How many console lines to show for a failure.
const EXCERPT: usize = 20;
/// The limit for an oops and the lines that led to it.
const OOPS: usize = 100;
const PANIC: &str = "Kernel panic - not syncing: ";

/// A failure of the machine, with its console output.
#[derive(Debug)]
pub struct VmFailure {
    reason: Reason,
    console: Vec<String>,
}

/// How the machine failed.
#[derive(Debug, Error)]
pub enum Reason {
    /// PID 1 did not say hello in time.
    #[error("the virtual machine gave no sign of life for {} s", .0.as_secs())]
    NoSignOfLife(Duration),
    /// The command exceeded its time limit.
    #[error("the command took longer than {} s; raise the limit with --deadline SECONDS", .0.as_secs())]
    Deadline(Duration),
    /// The machine ended before the command did.
    #[error("the virtual machine ended before the command did")]
    Ended,
    /// The kernel panicked.
    #[error("the virtual machine's kernel panicked: {0}")]
    Panicked(String),
    /// PID 1 could not start the command.
    #[error("the virtual machine could not run the command: {0}")]
    CannotRun(String),
    /// PID 1 sent an unexpected frame.
    #[error("the virtual machine sent an unexpected frame: {0}")]
    OutOfStep(String),
}

impl VmFailure {
    /// The failure, with the relevant console output.
    pub fn new(reason: Reason, console: &str) -> Self {
        let lines: Vec<_> = console
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let panic = lines.iter().position(|line| line.contains(PANIC));
        let reason = match (reason, panic) {
            (Reason::Ended | Reason::NoSignOfLife(_), Some(at)) => {
                let said = lines[at].split(PANIC).nth(1).unwrap_or_default();
                Reason::Panicked(said.trim().to_owned())
            }
            (reason, _) => reason,
        };
        let excerpt = match reason {
            // For a panic, show what led to it, from the first report on (an oops has some 50
            // lines); otherwise, show the last lines.
            Reason::Panicked(_) => {
                let at = panic.unwrap_or_default();
                let reports = kernel_reports(console);
                let first = lines.iter().position(|line| Some(line) == reports.first());
                let from = first.unwrap_or(at).min(at.saturating_sub(EXCERPT / 2));
                let from = from.max(at.saturating_sub(OOPS));
                &lines[from..lines.len().min(at + EXCERPT / 2)]
            }
            Reason::Ended | Reason::NoSignOfLife(_) => {
                &lines[lines.len().saturating_sub(EXCERPT)..]
            }
            Reason::Deadline(_) | Reason::CannotRun(_) | Reason::OutOfStep(_) => &[],
        };
        let console = excerpt.iter().map(|&line| line.to_owned()).collect();
        Self { reason, console }
    }

    /// The exit status of xtask.
    pub fn status(&self) -> u8 {
        match self.reason {
            Reason::Deadline(_) => TIMED_OUT,
            _ => MACHINE_FAILED,
        }
    }
}

impl fmt::Display for VmFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if !self.console.is_empty() {
            write!(f, "\n  on its console:")?;
        }
        self.console
            .iter()
            .try_for_each(|line| write!(f, "\n    {line}"))
    }
}

impl std::error::Error for VmFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_from_a_quiet_end() {
        let console = "[ 1.0] x\n[ 2.0] Kernel panic - not syncing: Attempted to kill init!\n";
        let failure = VmFailure::new(Reason::Ended, console);
        let told = failure.to_string();
        assert!(
            told.contains("kernel panicked: Attempted to kill init!\n"),
            "{told}"
        );
        assert!(told.contains("    [ 1.0] x"), "{told}");
        assert_eq!(failure.status(), MACHINE_FAILED);
    }

    #[test]
    fn a_panic_is_told_from_the_first_complaint_on() {
        let mut console = "[ 1.0] all is well\n".repeat(30);
        console.push_str("[ 2.0] Oops: int3: 0000 [#1] PREEMPT SMP\n");
        console.push_str(&"[ 2.1] registers\n".repeat(40));
        console.push_str("[ 2.2] Kernel panic - not syncing: Fatal exception in interrupt\n");
        let told = VmFailure::new(Reason::Ended, &console).to_string();
        assert!(told.contains("Oops: int3"), "{told}");
        assert_eq!(told.matches("registers").count(), 40);
        assert!(!told.contains("all is well"), "{told}");
    }

    #[test]
    fn a_deadline_has_its_own_status_and_needs_no_console() {
        let failure = VmFailure::new(Reason::Deadline(Duration::from_secs(3)), "[ 1.0] x\n");
        assert_eq!(failure.status(), TIMED_OUT);
        let told = failure.to_string();
        assert!(
            told.contains("longer than 3 s") && !told.contains('\n'),
            "{told}"
        );
    }
}
