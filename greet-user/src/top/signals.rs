// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the system tells a program that has the terminal.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::signals::{ENDING, any, ending};

/// The signals that mean something here.
pub(super) struct Signals {
    ending: Vec<Signal>,
    resized: Signal,
    stop: Vec<Signal>,
    goes_on: Signal,
}

/// Those that would end the process without giving the terminal back, beside [`ENDING`]. What a
/// fault raises is caught elsewhere (`terminal/fault.rs`), SIGALRM by the deadline.
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

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// To end.
    End,
    /// The terminal has another size.
    Resized,
    /// To sleep.
    Suspend,
    /// It was asleep.
    Awake,
}

impl Signals {
    /// Waits for all of them from now on.
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
