// SPDX-License-Identifier: MIT OR Apache-2.0
//! Restores the terminal, once, whatever comes first, including a panic.

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

/// The terminal that was taken, and its previous settings.
static TAKEN: Mutex<Option<(File, Termios)>> = Mutex::new(None);
static HOOKED: Once = Once::new();

/// Reset the style, leave the alternate screen, show the cursor (as crossterm writes them).
const LEAVE: &[u8] = b"\x1b[0m\x1b[?1049l\x1b[?25h";

/// How often, and at what interval, to retry writing to a terminal that accepts nothing.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);

/// From now on, [`now`] restores this terminal, and a panic does so before it is reported. If one
/// was prepared already, its original settings are kept.
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

/// Restores it, if it was taken and has not been restored yet. Errors are ignored: there is nowhere
/// left to report them. Signal handlers call this: it waits for no lock, allocates nothing and logs
/// nothing.
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
            // It was closed.
            Err(_) => return,
        }
    }
}
