// SPDX-License-Identifier: MIT OR Apache-2.0
//! Gives the terminal back: once, by whoever comes first, a panic included.

use std::{
    fs::File,
    panic,
    sync::{Mutex, Once, PoisonError, TryLockError},
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    termios::{OptionalActions, Termios, tcsetattr},
};

use super::fault;
use crate::signals::deadline;

/// The terminal that was taken, and what it was before.
static TAKEN: Mutex<Option<(File, Termios)>> = Mutex::new(None);
static HOOKED: Once = Once::new();

/// No colours, the screen that there was before, the cursor (as crossterm writes them).
const LEAVE: &[u8] = b"\x1b[0m\x1b[?1049l\x1b[?25h";

/// How often, and how far apart, it is tried to write to a terminal that takes nothing.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);

/// From now on [`now`] gives this terminal back, and a panic does so before it is told. Where
/// that was so already, what it was before stays known.
pub(super) fn prepare(tty: File, before: Termios) {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    taken.get_or_insert((tty, before));
    drop(taken);
    HOOKED.call_once(|| {
        deadline::before_exit(now);
        fault::catch(now);
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            now();
            told(panic);
        }));
    });
}

/// Gives it back, if it was taken and was not given back yet. There is nobody left to be told
/// of what goes wrong here. Signal handlers call it: it waits for no lock, allocates nothing and
/// logs nothing.
pub(super) fn now() {
    let taken = match TAKEN.try_lock() {
        Ok(mut taken) => taken.take(),
        Err(TryLockError::Poisoned(taken)) => taken.into_inner().take(),
        // The thread that holds it was interrupted, or is about to do the same.
        Err(TryLockError::WouldBlock) => None,
    };
    if let Some((tty, before)) = taken {
        write(&tty, LEAVE);
        tcsetattr(&tty, OptionalActions::Now, &before).unwrap_or_default();
    }
}

fn write(tty: &File, mut bytes: &[u8]) {
    let mut tries = 0;
    while !bytes.is_empty() && tries < TRIES {
        match rustix::io::write(tty, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::AGAIN) => {
                tries += 1;
                thread::sleep(PAUSE);
            }
            Err(Errno::INTR) => {}
            // It has gone.
            Err(_) => return,
        }
    }
}
