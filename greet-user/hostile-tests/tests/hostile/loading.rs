// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading and unloading the module while clients try to connect.
//!
//! All of them are in the initial namespace: `kmod/README.md` explains why.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
use std::thread;
use std::time::Instant;

use crate::{
    arena::framed,
    client::Client,
    model::Tally,
    module::{self, PATIENCE},
    report::factor,
    sys::become_nobody,
};

/// How often the module is loaded and unloaded, at factor 1.
const CYCLES: u64 = 100;
const KNOCKERS: u64 = 2;
/// Greetings that a freshly loaded module must have answered before it is unloaded again.
const GREETINGS: u64 = 5;

/// Clients that greet whenever the module is loaded.
#[derive(Default)]
struct Street {
    /// Held for reading while a client is at the door; locking it for writing keeps clients away.
    door: RwLock<()>,
    answered: AtomicU64,
    closed: AtomicBool,
}

#[test]
fn a_hundred_times_with_clients_knocking() {
    framed(|log| {
        let street = Street::default();
        thread::scope(|scope| {
            // Closed however this ends; otherwise we would wait for the clients forever.
            let _closing = Closing(&street);
            for _ in 0..KNOCKERS {
                scope.spawn(|| street.knock());
            }
            for cycle in 0..CYCLES * factor() {
                if cycle % 10 == 0 {
                    count_exactly(&street);
                } else {
                    module::unload();
                    module::load();
                    street.wait_for(GREETINGS);
                }
                // The rate limits of a new module start afresh too.
                log.assert_no_report();
            }
        });
    });
}

/// No client is at the door while the module is loaded and its counters are read: exact counters.
fn count_exactly(street: &Street) {
    let nobody = street.nobody_there();
    module::unload();
    module::load();
    let before = street.answered.load(Ordering::SeqCst);
    assert_eq!(
        module::counters(),
        Tally::default(),
        "a new module has counted nothing"
    );
    drop(nobody);

    street.wait_for(GREETINGS);

    let _nobody = street.nobody_there();
    let answered = street.answered.load(Ordering::SeqCst) - before;
    assert_eq!(module::counters(), Tally::answered(answered));
}

impl Street {
    /// Opens a socket, greets and closes it, over and over.
    fn knock(&self) {
        become_nobody();
        while !self.closed.load(Ordering::SeqCst) {
            let at_the_door = self.door.read().unwrap_or_else(PoisonError::into_inner);
            match Client::try_open() {
                Ok(client) => {
                    client.greet(1);
                    self.answered.fetch_add(1, Ordering::SeqCst);
                }
                // Currently not loaded: each attempt makes the kernel run modprobe.
                Err(error) => {
                    assert_eq!(error.raw_os_error(), Some(libc::EPROTONOSUPPORT));
                    drop(at_the_door);
                    module::pause();
                }
            }
        }
    }

    fn nobody_there(&self) -> RwLockWriteGuard<'_, ()> {
        self.door.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until this many more clients have been answered.
    fn wait_for(&self, greetings: u64) {
        let enough = self.answered.load(Ordering::SeqCst) + greetings;
        let deadline = Instant::now() + PATIENCE;
        while self.answered.load(Ordering::SeqCst) < enough {
            assert!(Instant::now() < deadline, "nobody is answered any more");
            module::pause();
        }
    }
}

struct Closing<'a>(&'a Street);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::SeqCst);
    }
}
