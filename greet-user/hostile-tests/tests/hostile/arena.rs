// SPDX-License-Identifier: MIT OR Apache-2.0
//! The set-up and checks around every test.

use std::env;
use std::sync::{Mutex, PoisonError};

use crate::{client::Client, kernel_log::KernelLog, leftovers, model::Tally, module, report};

/// Serialises the tests: they all modify the same module.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs `body`, which returns the expected counters, and checks the aftermath.
pub fn hostile(body: impl FnOnce() -> Tally) {
    framed(|_| {
        let before = module::counters();
        let expected = body();
        leftovers::no_users();
        assert_eq!(
            module::counters() - before,
            expected,
            "counted (left), sent (right)"
        );
    });
}

/// The same for a `body` that unloads the module, which resets its counters.
///
/// A body that makes the kernel log a lot must read the log regularly, before it overflows.
pub fn framed(body: impl FnOnce(&mut KernelLog)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    require_machine();
    report::begin();
    if !module::is_loaded() {
        // An earlier test failed while the module was unloaded.
        module::load();
    }
    module::set_delay("0").expect("no delay to begin with");
    let mut log = KernelLog::from_now();
    let buffers = leftovers::buffers();

    body(&mut log);

    leftovers::no_users();
    still_answers();
    log.assert_no_report();
    leftovers::assert_none(buffers);
    log.assert_no_report();
}

/// The tests load a module and do their best to break the kernel.
fn require_machine() {
    assert!(
        env::var_os("GREET_VM").is_some_and(|value| value == "1"),
        "this suite attacks the kernel it runs on; run it with `cargo xtask test`, in a VM"
    );
}

fn still_answers() {
    let before = module::counters();
    assert_eq!(
        before.received,
        before.outcomes(),
        "the counters add up: {before:?}"
    );
    let sent = Client::open().greet(0xfeed);
    assert_eq!(module::counters() - before, sent);
    leftovers::no_users();
}
