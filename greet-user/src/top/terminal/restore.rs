// SPDX-License-Identifier: MIT OR Apache-2.0
//! Gives the terminal back: once, by whoever comes first, a panic included.

use std::{
    fs::File,
    panic,
    sync::{Mutex, Once, PoisonError},
    thread,
    time::Duration,
};

use crossterm::{
    cursor::Show,
    queue,
    style::{Attribute, SetAttribute},
    terminal::LeaveAlternateScreen,
};
use rustix::{
    io::Errno,
    termios::{OptionalActions, Termios, tcsetattr},
};

/// The terminal that was taken, and what it was before.
static TAKEN: Mutex<Option<(File, Termios)>> = Mutex::new(None);
static HOOKED: Once = Once::new();

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
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            now();
            told(panic);
        }));
    });
}

/// Gives it back, if it was taken and was not given back yet. There is nobody left to be told
/// of what goes wrong here.
pub(super) fn now() {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some((tty, before)) = taken else {
        return;
    };
    let mut bytes = Vec::new();
    let queued = queue!(
        bytes,
        SetAttribute(Attribute::Reset),
        LeaveAlternateScreen,
        Show
    );
    debug_assert!(queued.is_ok(), "it is written to memory");
    write(&tty, &bytes);
    if let Err(error) = tcsetattr(&tty, OptionalActions::Now, &before) {
        log::debug!("the terminal cannot be given back: {error}");
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
