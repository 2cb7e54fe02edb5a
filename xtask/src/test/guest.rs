// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tests that run inside virtual machines, on each kernel.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use xtask::frame::Verdict;

use super::built::Built;
use super::crash;
use super::machine::{APPEND, Ran, Suite, TestMachine, Tests};
use super::queue::Job;
use super::slices::{self, Slice};
use super::suites;
use super::tally::{Origin, Tally};
use super::times::Times;
use crate::exec;
use crate::kernel::{self, Kernel};
use crate::paths::Paths;
use crate::progress::say;
use crate::setup::Tools;
use crate::vm::kernel_reports;

/// For one slice on one kernel. On two cores, with two other slices running, the longest took a
/// seventh of this.
const DEADLINE: Duration = Duration::from_secs(900);

/// The results of each kernel so far.
#[derive(Default)]
pub struct Outcomes(Mutex<BTreeMap<String, Outcome>>);

#[derive(Default)]
struct Outcome {
    passed: usize,
    failed: usize,
    reports: Vec<String>,
}

impl Outcomes {
    fn add(&self, kernel: &str, tested: Tested, failed: usize) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = all.entry(kernel.to_owned()).or_default();
        outcome.passed += tested.passed;
        outcome.failed += failed;
        outcome.reports.extend(tested.reports);
    }

    /// Prints a line for each kernel; a kernel without reports of its own counts as one more check.
    pub fn close(self, tally: &mut Tally) {
        let all = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (kernel, outcome) in all {
            let Outcome {
                passed,
                failed,
                reports,
            } = outcome;
            println!("  {kernel:<34} {passed:>4} VM tests passed, {failed} failed");
            check_reports(&kernel, &reports, tally);
        }
    }
}

/// One job for each slice of each suite on each kernel; with `only`, of the tests whose path
/// contains it.
///
/// # Errors
/// Fails if a test is missing from the table in `suites`.
pub fn jobs<'a>(
    paths: &'a Paths,
    tools: &'a Tools,
    built: &'a Built,
    before: &Times,
    only: Option<&str>,
    outcomes: &'a Outcomes,
) -> Result<Vec<Job<'a>>> {
    let full = fully_tested(&tools.kernels);
    let mut vm = listed(built.suite(suites::VM)?)?;
    vm.retain(|test| !suites::is_crash(test));
    let mut hostile = listed(built.suite(suites::HOSTILE)?)?;
    if let Some(text) = only {
        // Tests selected with `only` run on every kernel.
        vm.retain(|test| test.contains(text));
        hostile.retain(|test| test.contains(text));
    } else {
        say(&suites::described(full));
    }
    let mut jobs = crash::jobs(paths, tools, built, only, full)?;
    for kernel in &tools.kernels {
        let release = &*kernel.release;
        let seconds = |test: &str| slices::expected(before, release, test);
        let chosen = match only {
            Some(_) => vm.clone(),
            None => suites::chosen(&vm, release == full)?,
        };
        let (alone, racing): (Vec<_>, Vec<_>) = chosen
            .into_iter()
            .partition(|test| suites::processors(test) == 1);
        let all = Slice {
            seconds: hostile.iter().map(|test| seconds(test)).sum(),
            tests: hostile.clone(),
        };
        let cut = [(alone, 1), (racing, suites::SEVERAL)];
        let cut = cut.into_iter().flat_map(|(tests, processors)| {
            let slices = slices::cut(&tests, seconds).into_iter();
            slices.map(move |slice| (suites::VM, slice, processors))
        });
        let whole = (!all.tests.is_empty()).then_some((suites::HOSTILE, all, suites::SEVERAL));
        for (number, (name, slice, processors)) in (1..).zip(cut.chain(whole)) {
            let label = format!("{} {number}", series(release));
            let program = built.suite(name)?;
            let title = format!("{name}, {} tests on {label}", slice.tests.len());
            let work = move |tally: &mut Tally| {
                let machine = TestMachine {
                    paths,
                    debian: &tools.debian,
                    kernel,
                    programs: &built.programs,
                };
                let suite = Suite {
                    name,
                    program,
                    module_options: &[],
                    environment: &[],
                    processors,
                    tests: Tests::These(&slice.tests),
                    label: Some(&label),
                    deadline: DEADLINE,
                    append: APPEND,
                };
                match run(&machine, &suite, tally) {
                    Ok(tested) => outcomes.add(release, tested, tally.failed()),
                    Err(error) => {
                        tally.fail(format!("{name} on {release}: {error:#}"));
                        outcomes.add(release, Tested::default(), tally.failed());
                    }
                }
            };
            jobs.push(Job::new(title, slice.seconds, work));
        }
    }
    Ok(jobs)
}

/// The kernel that runs all tests.
fn fully_tested(kernels: &[Kernel]) -> &str {
    let default = |kernel: &&Kernel| series(&kernel.release) == kernel::DEFAULT;
    let full = kernels.iter().find(default).or(kernels.first());
    full.map_or("", |kernel| &kernel.release)
}

/// `6.12` of `6.12.117+deb13-cloud-amd64`.
fn series(release: &str) -> String {
    let parts: Vec<_> = release.splitn(3, '.').take(2).collect();
    parts.join(".")
}

/// The names of a program's tests, in the order in which it runs them.
///
/// # Errors
/// Fails if the program cannot be run, or fails.
pub fn listed(program: &Path) -> Result<Vec<String>> {
    let list = exec::capture(Command::new(program).args(["--list", "--format", "terse"]))?;
    let name = |line: &str| line.strip_suffix(": test").map(str::to_owned);
    Ok(list.lines().filter_map(name).collect())
}

/// The result of a suite whose machine did not fail.
#[derive(Default)]
pub struct Tested {
    /// Tests that passed.
    pub passed: usize,
    /// The suite's output.
    pub output: String,
    /// Problems that the kernel reported.
    pub reports: Vec<String>,
}

/// Runs a suite and counts its tests.
///
/// # Errors
/// Fails if the machine cannot be composed, or fails.
pub fn run(machine: &TestMachine<'_>, suite: &Suite<'_>, tally: &mut Tally) -> Result<Tested> {
    let what = format!("{} on {}", suite.name, machine.kernel.release);
    let Ran { output, outcome } = machine.run(suite)?;
    let succeeded = outcome
        .as_ref()
        .is_ok_and(|outcome| outcome.verdict == Verdict::Exited(0));
    let origin = Origin {
        suite: suite.name,
        kernel: Some(&machine.kernel.release),
        expected: suite.tests.expected(),
    };
    let passed = tally.libtest(origin, &output, succeeded);
    let outcome = outcome.with_context(|| format!("running {what}"))?;
    Ok(Tested {
        passed,
        reports: reports(&outcome.console, &output),
        output,
    })
}

/// Counts the absence of kernel reports as a check like any other.
pub fn check_reports(what: &str, reports: &[String], tally: &mut Tally) {
    match reports.first() {
        None => tally.pass(),
        Some(first) => tally.fail(format!(
            "{what}: {} kernel reports, first: {first}",
            reports.len()
        )),
    }
}

/// The kernel's reports on the console, and the leaks that the suite got from kmemleak.
fn reports(console: &str, output: &str) -> Vec<String> {
    let leaks = output
        .lines()
        .filter(|line| line.contains("unreferenced object"));
    let all = kernel_reports(console).into_iter().chain(leaks);
    all.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_a_report_although_the_console_is_silent() {
        let output = "hostile: kmemleak suspected: unreferenced object 0xff11 (size 232):\n";
        assert_eq!(reports("[1.0] all is well\n", output).len(), 1);
        let console = "[1.0] BUG: KASAN: double-free in x\n";
        assert_eq!(reports(console, output).len(), 2);
        assert!(reports("[1.0] all is well\n", "test a ... ok\n").is_empty());
    }

    #[test]
    fn the_usual_kernel_is_tested_in_full_or_else_the_first() {
        let kernel = |release: &str| Kernel {
            release: release.to_owned(),
            image: "/k".into(),
            modules: "/m".into(),
        };
        let all = ["6.1.0-56-cloud-amd64", "6.12.118+deb13-cloud-amd64"].map(kernel);
        assert_eq!(fully_tested(&all), all[1].release);
        assert_eq!(fully_tested(&all[..1]), all[0].release);
    }
}
