// SPDX-License-Identifier: MIT OR Apache-2.0
//! The number of messages, the random seed, and the closing line.

use std::env;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, Once, PoisonError};

use fastrand::Rng;

use crate::sys;

static SEED: LazyLock<u64> =
    LazyLock::new(|| number("GREET_HOSTILE_SEED").unwrap_or_else(|| fastrand::u64(..)));
static SENT: AtomicU64 = AtomicU64::new(0);
static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|error| panic!("{variable}={text}: {error}")),
    )
}

/// The factor by which the tests multiply what they send.
pub fn factor() -> u64 {
    number("GREET_HOSTILE_FACTOR").unwrap_or(1).max(1)
}

/// Independent random numbers for each test and thread, all derived from one seed.
pub fn rng(test: &str, thread: u64) -> Rng {
    let mut seed = *SEED;
    for byte in test.bytes() {
        seed = Rng::with_seed(seed ^ u64::from(byte)).u64(..);
    }
    Rng::with_seed(seed ^ thread)
}

/// Counts sent messages.
pub fn sent(messages: u64) {
    SENT.fetch_add(messages, Ordering::Relaxed);
}

/// Adds a remark for the reader of the result.
pub fn note(text: String) {
    NOTES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(text);
}

/// Ensures that the closing line is written, whatever happens.
pub fn begin() {
    static BEGIN: Once = Once::new();
    BEGIN.call_once(|| sys::on_exit(last_words));
}

extern "C" fn last_words() {
    let mut text = String::new();
    for note in NOTES.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        text += &format!("hostile: {note}\n");
    }
    let sent = SENT.load(Ordering::Relaxed);
    text += &format!("hostile: {sent} messages sent, seed {}\n", *SEED);
    // If this cannot be written, there is nowhere left to report it.
    io::stdout().write_all(text.as_bytes()).unwrap_or_default();
}
