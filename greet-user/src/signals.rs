// SPDX-License-Identifier: MIT OR Apache-2.0
//! Being told to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM: an orderly end with the summary.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
    told: bool,
}

impl Stop {
    /// Waits for both from now on.
    ///
    /// # Errors
    /// Where they cannot be waited for.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            told: false,
        })
    }

    /// The work's result, or nothing if told to stop before.
    pub async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let done = tokio::select! {
            done = work => Some(done),
            _ = self.interrupt.recv() => None,
            _ = self.terminate.recv() => None,
        };
        self.told |= done.is_none();
        done
    }

    /// Were we told to stop?
    #[must_use]
    pub const fn told(&self) -> bool {
        self.told
    }
}
