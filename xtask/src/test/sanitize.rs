// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask test --sanitize`: the hostile suite on a kernel that watches itself,
//! ten times longer, and the proof that its reports are seen.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::built::Built;
use super::guest::{self, Tested};
use super::machine::{APPEND, Suite, TestMachine, Tests};
use super::suites::{HOSTILE, SEVERAL};
use super::tally::Tally;
use crate::debug_kernel;
use crate::kernel::Kernel;
use crate::kmod;
use crate::paths::Paths;
use crate::progress::{Step, say};
use crate::setup::Tools;
use crate::vm::kernel_reports;

/// How many times longer than elsewhere the suite is.
const FACTOR: &str = "GREET_HOSTILE_FACTOR=10";
/// A run that is stuck is ended by its own deadlines; this is for a machine that is.
const DEADLINE: Duration = Duration::from_secs(3 * 60 * 60);
/// The test whose message sets it off: its client listens to someone else, so the answer
/// cannot be delivered.
const TRIGGER: &str = "a_client_that_listens_to_someone_else";
/// What KASAN calls it, depending on who touches the freed buffer first.
const CAUGHT: &[&str] = &[
    "KASAN: double-free",
    "KASAN: invalid-free",
    "KASAN: slab-use-after-free",
];

/// Builds the kernel where it is not there yet, runs, and says what came of it.
pub fn check(paths: &Paths, tools: &Tools, tally: &mut Tally) {
    let closing = Ready::make(paths, tools).and_then(|ready| {
        let machine = ready.machine(paths, tools);
        let survived = ready.survive(&machine, tally)?;
        let caught = ready.catch_double_free(&machine)?;
        tally.pass();
        Ok([survived, caught])
    });
    match closing {
        Ok(lines) => {
            say("");
            lines.iter().for_each(|line| println!("  {line}"));
        }
        Err(error) => tally.fail(format!("--sanitize: {error:#}")),
    }
}

/// What has to be built for the runs.
struct Ready {
    kernel: Kernel,
    built: Built,
}

impl Ready {
    fn make(paths: &Paths, tools: &Tools) -> Result<Self> {
        let kernel = debug_kernel::provide(paths, &tools.debian)?;
        let built = Built::make(paths)?;
        Ok(Self {
            kernel,
            built: built.stripped(paths, &tools.debian)?,
        })
    }

    fn machine<'a>(&'a self, paths: &'a Paths, tools: &'a Tools) -> TestMachine<'a> {
        TestMachine {
            paths,
            debian: &tools.debian,
            kernel: &self.kernel,
            programs: &self.built.programs,
        }
    }

    fn suite(&self) -> Result<Suite<'_>> {
        Ok(Suite {
            name: HOSTILE,
            program: self.built.suite(HOSTILE)?,
            module_options: &[],
            environment: &[],
            processors: SEVERAL,
            tests: Tests::All,
            label: Some("debug"),
            deadline: DEADLINE,
            append: APPEND,
        })
    }

    /// The whole suite. Returns the line that says how it went.
    fn survive(&self, machine: &TestMachine<'_>, tally: &mut Tally) -> Result<String> {
        let suite = Suite {
            environment: &[FACTOR],
            processors: SEVERAL,
            ..self.suite()?
        };
        let Tested {
            passed,
            output,
            reports,
        } = guest::run(machine, &suite, tally)?;
        guest::check_reports(HOSTILE, &reports, tally);
        let said =
            last_words(&output).context("the suite does not say how many messages it sent")?;
        let release = &self.kernel.release;
        Ok(format!(
            "{release:<34} {passed:>4} VM tests passed, {said}, {} reports",
            reports.len()
        ))
    }

    /// A kernel that reports nothing may be blind: it must catch the broken module.
    fn catch_double_free(&self, machine: &TestMachine<'_>) -> Result<String> {
        let release = &self.kernel.release;
        let step = Step::start(format!("a double free on purpose, on {release}"));
        let suite = Suite {
            module_options: &[kmod::DOUBLE_FREE_OPTION],
            tests: Tests::Like(TRIGGER),
            // Whether and how the test itself fails says nothing here.
            label: None,
            ..self.suite()?
        };
        let outcome = machine.run(&suite)?.outcome;
        let outcome = outcome.context("running the module with the double free")?;
        step.done("");
        match caught(&outcome.console) {
            Some(report) => Ok(format!(
                "{release:<34} double free on purpose caught: {report}"
            )),
            None => bail!(
                "the module's double free on purpose was not caught: that nothing is reported \
                 proves nothing"
            ),
        }
    }
}

/// KASAN's report of the double free, without the time.
fn caught(console: &str) -> Option<&str> {
    kernel_reports(console)
        .into_iter()
        .filter_map(|report| Some(&report[report.find("BUG: ")?..]))
        .find(|report| CAUGHT.iter().any(|mark| report.contains(mark)))
        .map(str::trim)
}

/// What the suite says last: `N messages sent, seed S`.
fn last_words(output: &str) -> Option<&str> {
    output
        .lines()
        .filter_map(|line| line.split_once("hostile: "))
        .map(|(_, said)| said)
        .rfind(|said| said.contains(" messages sent, seed "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_last_words_are_found() {
        let output = "test a ... ok\n\ntest result: ok. 1 passed\n\nhostile: failslab: 7 failed\n\
                      hostile: 1234567 messages sent, seed 42\n";
        assert_eq!(last_words(output), Some("1234567 messages sent, seed 42"));
        assert_eq!(last_words("test a ... ok\n"), None);
        assert_eq!(last_words("hostile: no messages\n"), None);
    }

    #[test]
    fn only_kasans_word_proves_that_the_double_free_was_seen() {
        let other = "[    2.1] BUG: sleeping function called from invalid context\n\
                     [    2.2] WARNING: CPU: 0 PID: 1 at lib/refcount.c:28\n";
        assert_eq!(caught(other), None);
        let report = "BUG: KASAN: slab-use-after-free in kfree_skb+0x1/0x2";
        let console = format!("{other}[    2.3] {report} \r\n");
        assert_eq!(caught(&console), Some(report));
    }
}
