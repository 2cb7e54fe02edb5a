// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tests that run inside the virtual machine, on each kernel.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use xtask::frame::Verdict;

use super::machine::{Ran, Suite, TestMachine};
use super::tally::Tally;
use crate::artifacts;
use crate::paths::Paths;
use crate::progress::say;
use crate::setup::Tools;
use crate::vm::kernel_reports;

/// One suite on one kernel; with two others beside it, the longest took half of this on two
/// cores.
const DEADLINE: Duration = Duration::from_secs(1800);

/// Boots each kernel once for each suite, several kernels at a time.
pub fn check(paths: &Paths, tools: &Tools, tally: &mut Tally) {
    let built = artifacts::programs(paths).and_then(|programs| {
        let tests = artifacts::guest_tests(paths)?;
        if tests.is_empty() {
            bail!("cargo built no test for the machine")
        }
        Ok((programs, tests))
    });
    let (programs, tests) = match built {
        Ok(built) => built,
        Err(error) => return tally.fail(format!("{error:#}")),
    };
    let waiting = Mutex::new(tools.kernels.iter().enumerate());
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.next()
    };
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((at, kernel)) = next() {
            let machine = TestMachine {
                paths,
                debian: &tools.debian,
                kernel,
                programs: &programs,
            };
            let came = (at, on_kernel(&machine, &tests));
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(came);
        }
    };
    // The tests wait for the kernel more than they compute.
    let at_once = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        for _ in 0..at_once.min(tools.kernels.len()) {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    say("");
    for (_, OnKernel { line, tally: its }) in done {
        println!("{line}");
        tally.absorb(its);
    }
}

/// What came of one kernel.
struct OnKernel {
    line: String,
    tally: Tally,
}

fn on_kernel(machine: &TestMachine<'_>, tests: &[(String, PathBuf)]) -> OnKernel {
    let release = &machine.kernel.release;
    let mut tally = Tally::default();
    let mut passed = 0;
    for (name, test) in tests {
        let suite = Suite {
            name,
            program: test,
            module_options: &[],
            environment: &[],
            filter: "",
            shown: true,
            deadline: DEADLINE,
        };
        match run(machine, &suite, &mut tally) {
            Ok(tested) => passed += tested.passed,
            Err(error) => tally.fail(format!("{name} on {release}: {error:#}")),
        }
    }
    let failed = tally.failed();
    OnKernel {
        line: format!("  {release:<34} {passed:>4} VM tests passed, {failed} failed"),
        tally,
    }
}

/// What came of a suite whose machine did its part.
pub struct Tested {
    /// Tests that passed.
    pub passed: usize,
    /// What the suite printed.
    pub output: String,
    /// How many reports of the kernel about itself there were.
    pub reports: usize,
}

/// Runs a suite, and counts its tests and, as one check, that the kernel reported nothing.
///
/// # Errors
/// Where the machine cannot be composed, or fails.
pub fn run(machine: &TestMachine<'_>, suite: &Suite<'_>, tally: &mut Tally) -> Result<Tested> {
    let what = format!("{} on {}", suite.name, machine.kernel.release);
    say(&format!("\n   ---- {what}"));
    let Ran { output, outcome } = machine.run(suite)?;
    let succeeded = outcome
        .as_ref()
        .is_ok_and(|outcome| outcome.verdict == Verdict::Exited(0));
    let passed = tally.libtest(&what, &output, succeeded);

    let outcome = outcome.with_context(|| format!("running {what}"))?;
    let reports = reports(&outcome.console, &output);
    match reports.first() {
        None => tally.pass(),
        Some(first) => tally.fail(format!(
            "{what}: {} kernel reports, first: {first}",
            reports.len()
        )),
    }
    let reports = reports.len();
    Ok(Tested {
        passed,
        output,
        reports,
    })
}

/// The kernel's reports on the console, and the leaks that the suite had kmemleak show.
fn reports<'a>(console: &'a str, output: &'a str) -> Vec<&'a str> {
    let leaks = output
        .lines()
        .filter(|line| line.contains("unreferenced object"));
    kernel_reports(console).into_iter().chain(leaks).collect()
}

#[cfg(test)]
mod tests {
    use super::reports;

    #[test]
    fn a_leak_is_a_report_although_the_console_is_silent() {
        let output = "hostile: kmemleak suspected: unreferenced object 0xff11 (size 232):\n";
        assert_eq!(reports("[1.0] all is well\n", output).len(), 1);
        let console = "[1.0] BUG: KASAN: double-free in x\n";
        assert_eq!(reports(console, output).len(), 2);
        assert!(reports("[1.0] all is well\n", "test a ... ok\n").is_empty());
    }
}
