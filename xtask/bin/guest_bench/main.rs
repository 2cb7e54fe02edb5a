// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures inside the virtual machine, for `cargo xtask bench`.
//!
//! `guest_bench jobs PLAN` runs a plan's jobs and prints one line of JSON for each;
//! `guest_bench client …` is the client whose round trips are timed.

mod client;
mod jobs;
mod watcher;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use rustix::time::{ClockId, clock_gettime};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("guest_bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["jobs", plan] => jobs::run(Path::new(plan)),
        ["client", talk, load, report] => client::run(talk, load, Path::new(report)),
        _ => bail!("expected `jobs PLAN` or `client greet|route COUNTxTRIPS|SECONDSs REPORT`"),
    }
}

/// What a clock says, ns.
fn nanoseconds(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let now = Duration::try_from(now).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
