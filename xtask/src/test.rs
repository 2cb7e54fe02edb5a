// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask test`: runs every check and prints a summary line.
//!
//! Set-up and compilation run concurrently; the remaining work, from lints to the tests in virtual
//! machines, goes into a single queue that a few threads process.

mod built;
mod crash;
mod guest;
mod host;
mod judged;
mod libtest;
mod machine;
mod oracles;
mod queue;
mod sanitize;
mod slices;
mod suites;
mod tally;
mod times;

use std::num::NonZeroUsize;
use std::thread;
use std::time::Instant;

use anyhow::Result;

use self::built::Built;
use self::guest::Outcomes;
use self::oracles::Oracles;
use self::queue::Job;
use self::tally::Tally;
use self::times::Times;
use crate::cli::TestOptions;
use crate::initramfs::iproute2;
use crate::kernel::{self, Series};
use crate::paths::Paths;
use crate::progress::say;
use crate::setup::{self, Tools};
use crate::{debian::Debian, kernel::Kernel, kmod};

/// Runs all checks; the exit status is 0 only if all of them ran and passed.
///
/// # Errors
/// Fails if the checks cannot be prepared.
pub fn run(paths: &Paths, options: &TestOptions) -> Result<u8> {
    let began = Instant::now();
    let series = series(options)?;
    let mut tally = Tally::default();
    if options.sanitize {
        let tools = setup::set_up(paths, &series)?;
        sanitize::check(paths, &tools, &mut tally);
    } else {
        let ready = Ready::make(paths, &series, began, &mut tally.times)?;
        match ready.built {
            Ok(ref built) => tally.absorb(check(paths, &ready, built, options, began)),
            Err(error) => tally.fail(format!("{error:#}")),
        }
    }
    say("");
    say(&tally.times.table());
    let seconds = began.elapsed().as_secs_f64();
    say(&format!("  {:<42} {:>7} {seconds:>10.1} s", "total", ""));
    // The next full run is balanced with the times of the last full run.
    if !options.sanitize && options.only.is_none() {
        tally.times.write(&paths.target.join(TIMES))?;
    }
    for failure in tally.failures() {
        say(&format!(" FAILED {failure}"));
    }
    println!("{} passed, {} failed", tally.passed(), tally.failed());
    Ok(u8::from(tally.failed() > 0 || tally.passed() == 0))
}

/// Below the target directory; tells the next run which tests are slow.
const TIMES: &str = "test-times.json";

/// Estimated time, in seconds, of jobs other than tests in a virtual machine: the longest start
/// first.
const LINTS: f64 = 150.0;
const UNIT_TESTS: f64 = 100.0;
const BROWSER: f64 = 90.0;
const METRICS: f64 = 90.0;
const REPORT: f64 = 75.0;

/// Everything that the checks need.
struct Ready {
    tools: Tools,
    oracles: Oracles,
    built: Result<Built>,
}

impl Ready {
    fn make(paths: &Paths, series: &[Series], began: Instant, times: &mut Times) -> Result<Self> {
        let mut compiling = Times::default();
        let build = || {
            Ok(
                compiling.stage(began, "compiling greet-user and all tests", || {
                    Built::make(paths)
                }),
            )
        };
        let more = |debian: &Debian, kernels: &[Kernel]| {
            if !kernels.is_empty() {
                iproute2::provide(debian)?;
            }
            for kernel in kernels {
                kmod::build(paths, debian, kernel, &[])?;
                kmod::build(paths, debian, kernel, &[kmod::FAULT_OPTION])?;
                let broken = [kmod::FAULT_OPTION, kmod::DOUBLE_FREE_OPTION];
                kmod::build(paths, debian, kernel, &broken)?;
            }
            Oracles::provide(paths, debian)
        };
        let ((tools, oracles), built) =
            times.stage(began, "set-up and compiling, in parallel", || {
                setup::set_up_beside(paths, series, more, build)
            })?;
        times.absorb(compiling);
        let built = built.and_then(|built| built.stripped(paths, &tools.debian));
        Ok(Self {
            tools,
            oracles,
            built,
        })
    }
}

fn check(
    paths: &Paths,
    ready: &Ready,
    built: &Built,
    options: &TestOptions,
    began: Instant,
) -> Tally {
    let Ready { tools, oracles, .. } = ready;
    let outcomes = Outcomes::default();
    let only = options.only.as_deref();
    let unit_tests = |tally: &mut Tally| host::unit_tests(paths, built, only, tally);
    let mut jobs = vec![Job::new("unit tests", UNIT_TESTS, unit_tests)];
    if only.is_none() {
        let lint = |tally: &mut Tally| host::lint(paths, tally);
        jobs.push(Job::new("format, lints, documentation", LINTS, lint));
    }
    for (test, seconds) in [(judged::BROWSER, BROWSER), (judged::METRICS, METRICS)] {
        let name = format!("tests by others: {test}");
        jobs.push(Job::new(name, seconds, move |tally: &mut Tally| {
            judged::check(paths, built, oracles, test, only, tally);
        }));
    }
    let mut tally = Tally::default();
    if !options.quick && only.is_none() {
        let report = |tally: &mut Tally| judged::check_report(paths, tools, built, oracles, tally);
        jobs.push(Job::new("a report of the machine", REPORT, report));
    }
    if !options.quick {
        let before = Times::read(&paths.target.join(TIMES));
        match guest::jobs(paths, tools, built, &before, only, &outcomes) {
            Ok(guests) => jobs.extend(guests),
            Err(error) => tally.fail(format!("{error:#}")),
        }
    }
    tally.absorb(queue::work_off(jobs, at_once(), began));
    say("");
    outcomes.close(&mut tally);
    if let Some(text) = only
        && tally.passed() + tally.failed() == 0
    {
        tally.fail(format!("no test has `{text}` in its path"));
    }
    tally
}

/// A virtual machine is idle for nearly half of its time, waiting for grace periods and timers: two
/// jobs more than there are processors keep them busy.
fn at_once() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get) + 2
}

fn series(options: &TestOptions) -> Result<Vec<Series>> {
    if options.quick || options.sanitize {
        return Ok(Vec::new());
    }
    if !options.kernels.is_empty() {
        return Ok(options.kernels.clone());
    }
    kernel::TESTED
        .iter()
        .map(|text| text.parse().map_err(anyhow::Error::msg))
        .collect()
}
