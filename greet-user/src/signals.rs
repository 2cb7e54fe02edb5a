// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to stop: SIGINT, SIGTERM, SIGHUP and SIGQUIT start an orderly shutdown with the
//! summary, and [`deadline`] makes sure that it completes.

pub mod deadline;

use std::{fs, future::poll_fn, io, task::Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a run.
pub const ENDING: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Waits for a request to stop.
pub struct Stop {
    signals: Vec<Signal>,
    told: bool,
}

impl Stop {
    /// Starts listening.
    ///
    /// # Errors
    /// If signal handlers cannot be installed.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            signals: ending(&ENDING)?,
            told: false,
        })
    }

    /// The result of the work, or `None` if asked to stop first.
    pub async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let done = tokio::select! {
            done = work => Some(done),
            () = any(&mut self.signals) => None,
        };
        self.told |= done.is_none();
        done
    }

    /// Whether a request to stop has arrived.
    #[must_use]
    pub const fn told(&self) -> bool {
        self.told
    }
}

/// Listens for these signals, and has each of them set the deadline. SIGHUP and SIGQUIT stay
/// ignored if they were ignored when the process started (nohup, a shell's background job).
///
/// # Errors
/// If signal handlers cannot be installed.
pub(crate) fn ending(numbers: &[i32]) -> io::Result<Vec<Signal>> {
    let ignored = ignored();
    let mut signals = Vec::new();
    for number in numbers.iter().copied() {
        let may_be_ignored = matches!(number, libc::SIGHUP | libc::SIGQUIT);
        if may_be_ignored && ignored & 1_u64 << (number - 1) != 0 {
            continue;
        }
        signals.push(signal(SignalKind::from_raw(number))?);
        deadline::set_by(number)?;
    }
    Ok(signals)
}

/// Waits for any of these signals.
pub(crate) async fn any(signals: &mut [Signal]) {
    poll_fn(|context| {
        let mut ready = signals.iter_mut().map(|signal| signal.poll_recv(context));
        match ready.any(|poll| poll.is_ready()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// The signals that this process ignores, one bit each; none if /proc is not mounted.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap_or(0))
}
