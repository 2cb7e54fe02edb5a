// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tests that crash the kernel. Each has a machine of its own, with a module that frees twice:
//! one test expects the kernel to survive its oops, the other expects it to panic.

use std::time::Duration;

use anyhow::{Result, bail};

use super::built::Built;
use super::guest;
use super::machine::{Suite, TestMachine, Tests};
use super::queue::Job;
use super::suites;
use super::tally::Tally;
use crate::kernel::Kernel;
use crate::kmod;
use crate::paths::Paths;
use crate::setup::Tools;
use crate::vm::kernel_reports;

/// An oops kills only the task that it happens in.
const SURVIVED: &str = "crash::a_request_that_kills_its_task_is_in_every_view";
/// The panic ends the machine in the middle of the test.
const PANIC: &str = "crash::a_request_is_reported_before_it_panics_the_kernel";
/// What the test's watcher must have written by then: the text of the message.
const LAST_WORDS: &str = "the last words of this machine";
const DEADLINE: Duration = Duration::from_secs(300);
/// Approximate duration of each test, in seconds.
const SECONDS: f64 = 25.0;

/// Their jobs: the oops on each kernel, the panic on one. With `only`, those whose path contains
/// it.
///
/// # Errors
/// Fails if the program that contains them was not built, or contains other tests.
pub fn jobs<'a>(
    paths: &'a Paths,
    tools: &'a Tools,
    built: &'a Built,
    only: Option<&str>,
    full: &str,
) -> Result<Vec<Job<'a>>> {
    let program = built.suite(suites::VM)?;
    let mut known = guest::listed(program)?;
    known.retain(|test| suites::is_crash(test));
    known.sort_unstable();
    if known != [PANIC, SURVIVED] {
        bail!("xtask/src/test/crash.rs does not know how to run one of {known:?}");
    }
    let mut jobs = Vec::new();
    for kernel in &tools.kernels {
        for test in [SURVIVED, PANIC] {
            let is_asked = only.is_none_or(|text| test.contains(text));
            if !is_asked || test == PANIC && kernel.release != full {
                continue;
            }
            let work = move |tally: &mut Tally| {
                let machine = TestMachine {
                    paths,
                    debian: &tools.debian,
                    kernel,
                    programs: &built.programs,
                };
                let tests = [test.to_owned()];
                let suite = Suite {
                    name: suites::VM,
                    program,
                    module_options: &[kmod::DOUBLE_FREE_OPTION],
                    environment: &[],
                    tests: Tests::These(&tests),
                    label: Some("crash"),
                    deadline: DEADLINE,
                    processors: suites::SEVERAL,
                    append: if test == PANIC { "oops=panic" } else { "" },
                };
                let ended = match test {
                    PANIC => panicked(&machine, &suite, tally),
                    _ => survived(&machine, &suite, tally),
                };
                if let Err(error) = ended {
                    tally.fail(format!("{test} on {}: {error:#}", kernel.release));
                }
            };
            jobs.push(Job::new(title(test, kernel), SECONDS, work));
        }
    }
    Ok(jobs)
}

fn title(test: &str, kernel: &Kernel) -> String {
    format!("{test} on {}", kernel.release)
}

/// The test passed, and there was an oops.
fn survived(machine: &TestMachine<'_>, suite: &Suite<'_>, tally: &mut Tally) -> Result<()> {
    let tested = guest::run(machine, suite, tally)?;
    if tested.reports.is_empty() {
        bail!("the module freed twice, and the kernel reported nothing");
    }
    Ok(())
}

/// The kernel panicked, and the request was written out before that.
fn panicked(machine: &TestMachine<'_>, suite: &Suite<'_>, tally: &mut Tally) -> Result<()> {
    let ran = machine.run(suite)?;
    let Err(failure) = ran.outcome else {
        bail!("the kernel did not panic: {}", ran.output);
    };
    let failure = format!("{failure:#}");
    if !failure.contains("kernel panicked") || kernel_reports(&failure).is_empty() {
        bail!("the kernel did not panic, but {failure}");
    }
    if !ran.output.contains(LAST_WORDS) {
        bail!(
            "the request was not reported before the panic: {}",
            ran.output
        );
    }
    tally.pass();
    Ok(())
}
