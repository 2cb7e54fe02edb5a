// SPDX-License-Identifier: MIT OR Apache-2.0
//! The signals of a program that owns the terminal.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::signals::{ENDING, any, ending};

/// The signals handled here.
pub(super) struct Signals {
    ending: Vec<Signal>,
    resized: Signal,
    stop: Vec<Signal>,
    goes_on: Signal,
}

/// The signals, besides [`ENDING`], that would end the process without restoring the terminal.
/// Those raised by a fault are caught elsewhere (`terminal/fault.rs`), SIGALRM by the deadline.
const OTHERS: [i32; 9] = [
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGSTKFLT,
    libc::SIGXCPU,
    libc::SIGXFSZ,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGIO,
    libc::SIGPWR,
];

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Exit.
    End,
    /// The terminal's size has changed.
    Resized,
    /// Suspend.
    Suspend,
    /// The process was resumed.
    Awake,
}

impl Signals {
    /// Starts listening for all of them.
    pub(super) fn listen() -> io::Result<Self> {
        let of = |number: i32| signal(SignalKind::from_raw(number));
        let real_time = libc::SIGRTMIN()..=libc::SIGRTMAX();
        let numbers: Vec<_> = ENDING.into_iter().chain(OTHERS).chain(real_time).collect();
        let stopping = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];
        let stop: io::Result<_> = stopping.into_iter().map(of).collect();
        Ok(Self {
            ending: ending(&numbers)?,
            resized: of(libc::SIGWINCH)?,
            stop: stop?,
            goes_on: of(libc::SIGCONT)?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Notice {
        tokio::select! {
            () = any(&mut self.ending) => Notice::End,
            _ = self.resized.recv() => Notice::Resized,
            () = any(&mut self.stop) => Notice::Suspend,
            _ = self.goes_on.recv() => Notice::Awake,
        }
    }
}
