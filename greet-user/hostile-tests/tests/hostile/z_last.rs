// SPDX-License-Identifier: MIT OR Apache-2.0
//! The last test, by its name: what shows only after a while.

use std::thread;
use std::time::Duration;

use crate::{arena::hostile, leftovers, model::Tally};

/// kmemleak passes over memory younger than this (`jiffies_min_age` in `mm/kmemleak.c`).
const MINIMUM_AGE: Duration = Duration::from_secs(5);

#[test]
fn nothing_is_left_of_all_that() {
    hostile(|| {
        if leftovers::is_debugging_kernel() {
            // Not for something to happen, which could be waited for, but for it to be old enough.
            thread::sleep(MINIMUM_AGE + Duration::from_secs(1));
        }
        Tally::default()
    });
}
