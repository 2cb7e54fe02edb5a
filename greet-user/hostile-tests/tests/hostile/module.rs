// SPDX-License-Identifier: MIT OR Apache-2.0
//! The module as seen by root: its counters, parameters and users.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::{model::Tally, sys};

/// Its name.
pub const NAME: &str = "NetlinkGreetingsLKM";
/// Its path in the machine.
pub const FILE: &str = "/lib/greet/NetlinkGreetingsLKM.ko";
/// Timeout for anything that normally takes milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The file of a parameter.
pub fn parameter(name: &str) -> PathBuf {
    Path::new("/sys/module")
        .join(NAME)
        .join("parameters")
        .join(name)
}

/// Whether it is loaded.
pub fn is_loaded() -> bool {
    parameter("received").exists()
}

/// Loads it, which must succeed.
pub fn load() {
    sys::load(FILE, "").expect("the module can be loaded");
}

/// Unloads it as soon as it is no longer in use.
pub fn unload() {
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = sys::unload(NAME) {
        let busy = error.kind() == io::ErrorKind::WouldBlock;
        assert!(busy && Instant::now() < deadline, "cannot unload: {error}");
        // No pause: with clients connecting, it is unused only for moments.
        thread::yield_now();
    }
}

/// Sleeps between two attempts: a spinning thread would take the emulated processor away from what
/// it waits for.
pub fn pause() {
    thread::sleep(Duration::from_micros(100));
}

/// The current counters.
pub fn counters() -> Tally {
    Tally {
        received: number(&parameter("received")),
        answered: number(&parameter("answered")),
        unanswered: number(&parameter("unanswered")),
        refused: number(&parameter("refused")),
        answer_failed: number(&parameter("answer_failed")),
    }
}

/// How many user-space sockets hold it.
pub fn users() -> u64 {
    number(&Path::new("/sys/module").join(NAME).join("refcnt"))
}

/// Sets the delay in the callback.
///
/// # Errors
/// The module's error, if it refuses the value.
pub fn set_delay(microseconds: &str) -> io::Result<()> {
    fs::write(parameter("reply_delay_us"), microseconds)
}

/// Runs `body` with a delay in the callback, in microseconds.
pub fn with_delay<T>(microseconds: u32, body: impl FnOnce() -> T) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            set_delay("0").expect("taking the delay away");
        }
    }
    set_delay(&microseconds.to_string()).expect("a delay within the limits");
    let _reset = Reset;
    body()
}

/// Reads the number in a single-line file.
pub fn number(path: &Path) -> u64 {
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
    text.trim()
        .parse()
        .unwrap_or_else(|error| panic!("{} holds {text:?}: {error}", path.display()))
}
