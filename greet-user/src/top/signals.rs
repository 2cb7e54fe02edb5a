// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the system tells a program that has the terminal.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that mean something here.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    quit: Signal,
    resized: Signal,
    stop: Signal,
    goes_on: Signal,
}

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
        let of = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            resized: signal(SignalKind::window_change())?,
            stop: of(Number::TSTP)?,
            goes_on: of(Number::CONT)?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Notice {
        tokio::select! {
            _ = self.interrupt.recv() => Notice::End,
            _ = self.terminate.recv() => Notice::End,
            _ = self.hangup.recv() => Notice::End,
            _ = self.quit.recv() => Notice::End,
            _ = self.resized.recv() => Notice::Resized,
            _ = self.stop.recv() => Notice::Suspend,
            _ = self.goes_on.recv() => Notice::Awake,
        }
    }
}
