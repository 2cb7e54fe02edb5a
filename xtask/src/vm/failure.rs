// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with the machine itself, and the exit statuses that say so.

use std::time::Duration;

use thiserror::Error;

/// The machine failed, not the command: what `docker run` exits with too.
pub const MACHINE_FAILED: u8 = 125;
/// The deadline passed: what `timeout` exits with too.
pub const TIMED_OUT: u8 = 124;
/// How many of the console's last lines a failure shows.
const TAIL: usize = 20;

/// How the machine failed.
#[derive(Debug, Error)]
pub enum VmFailure {
    /// PID 1 did not say hello in time.
    #[error("the virtual machine gave no sign of life for {} s", .0.as_secs())]
    NoSignOfLife(Duration),
    /// The command took too long.
    #[error("the command took longer than {} s; give it more with --deadline SECONDS", .0.as_secs())]
    Deadline(Duration),
    /// The machine ended before the command did.
    #[error("the virtual machine ended before the command did")]
    Ended,
    /// The kernel panicked.
    #[error("the virtual machine's kernel panicked: {0}")]
    Panicked(String),
    /// PID 1 could not start what it was asked to.
    #[error("the virtual machine could not run it: {0}")]
    CannotRun(String),
    /// PID 1 sent what does not belong there.
    #[error("the virtual machine sent what was not expected: {0}")]
    OutOfStep(String),
}

impl VmFailure {
    /// The status that xtask exits with.
    pub fn status(&self) -> u8 {
        match self {
            Self::Deadline(_) => TIMED_OUT,
            _ => MACHINE_FAILED,
        }
    }

    /// The failure with the console's last lines, which usually tell why.
    pub fn with_console(self, console: &str) -> anyhow::Error {
        let failure = match (self, panic_line(console)) {
            (Self::Ended | Self::NoSignOfLife(_), Some(line)) => Self::Panicked(line.to_owned()),
            (failure, _) => failure,
        };
        let lines: Vec<_> = console
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n    ");
        if tail.is_empty() {
            return failure.into();
        }
        // The failure stays what callers can ask for; the console is what stands above it.
        let told = format!("{failure}; its console said last:\n    {tail}");
        anyhow::Error::new(failure).context(told)
    }
}

fn panic_line(console: &str) -> Option<&str> {
    console
        .lines()
        .find_map(|line| line.split_once("Kernel panic - not syncing: "))
        .map(|(_, reason)| reason.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_from_a_quiet_end() {
        let console = "[ 1.0] x\n[ 2.0] Kernel panic - not syncing: Attempted to kill init!\n";
        let error = VmFailure::Ended.with_console(console);
        assert!(
            format!("{error}").contains("kernel panicked: Attempted to kill init!"),
            "{error}"
        );
        let failure = error
            .downcast_ref::<VmFailure>()
            .expect("the failure is kept");
        assert_eq!(failure.status(), MACHINE_FAILED);
        assert!(matches!(failure, VmFailure::Panicked(_)));
    }

    #[test]
    fn a_deadline_has_its_own_status() {
        let error = VmFailure::Deadline(Duration::from_secs(3)).with_console("");
        let failure = error
            .downcast_ref::<VmFailure>()
            .expect("the failure is kept");
        assert_eq!(failure.status(), TIMED_OUT);
        assert!(error.to_string().contains("3 s"));
    }
}
