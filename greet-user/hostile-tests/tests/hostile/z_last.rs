// SPDX-License-Identifier: MIT OR Apache-2.0
//! The last test, by name: finds what becomes visible only after a while.

use std::thread;
use std::time::Duration;

use crate::{arena::hostile, leftovers, model::Tally};

/// kmemleak ignores memory younger than this (`jiffies_min_age` in `mm/kmemleak.c`).
const MINIMUM_AGE: Duration = Duration::from_secs(5);

#[test]
fn nothing_is_left_of_all_that() {
    hostile(|| {
        if leftovers::is_debugging_kernel() {
            // There is no event to wait for: the memory just has to be old enough.
            thread::sleep(MINIMUM_AGE + Duration::from_secs(1));
        }
        Tally::default()
    });
}
