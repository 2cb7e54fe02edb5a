// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask test --sanitize`: the hostile suite on a kernel with sanitizers, ten times longer,
//! and proof that we notice the kernel's reports.

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

/// Multiplies the length of the suite.
const FACTOR: &str = "GREET_HOSTILE_FACTOR=10";
/// A stuck test is ended by its own timeouts; this one is for a stuck machine.
const DEADLINE: Duration = Duration::from_secs(3 * 60 * 60);
/// The test whose message triggers it: the client is connected to another port ID, so the reply
/// cannot be delivered.
const TRIGGER: &str = "a_client_that_listens_to_someone_else";
/// KASAN's names for it, depending on who touches the freed buffer first.
const CAUGHT: &[&str] = &[
    "KASAN: double-free",
    "KASAN: invalid-free",
    "KASAN: slab-use-after-free",
];

/// Builds the kernel if necessary, runs the suite, and reports the result.
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

/// What must be built before the runs.
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

    /// Runs the whole suite. Returns the line that summarises it.
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

    /// A kernel without reports may be blind: it must catch the broken module.
    fn catch_double_free(&self, machine: &TestMachine<'_>) -> Result<String> {
        let release = &self.kernel.release;
        let step = Step::start(format!("a deliberate double free on {release}"));
        let suite = Suite {
            module_options: &[kmod::DOUBLE_FREE_OPTION],
            tests: Tests::Like(TRIGGER),
            // Whether and how the test itself fails does not matter here.
            label: None,
            ..self.suite()?
        };
        let outcome = machine.run(&suite)?.outcome;
        let outcome = outcome.context("running the module with the double free")?;
        step.done("");
        match caught(&outcome.console) {
            Some(report) => Ok(format!(
                "{release:<34} deliberate double free caught: {report}"
            )),
            None => bail!(
                "the module's deliberate double free was not caught, so the absence of reports \
                 proves nothing"
            ),
        }
    }
}

/// KASAN's report of the double free, without the timestamp.
fn caught(console: &str) -> Option<&str> {
    kernel_reports(console)
        .into_iter()
        .filter_map(|report| Some(&report[report.find("BUG: ")?..]))
        .find(|report| CAUGHT.iter().any(|mark| report.contains(mark)))
        .map(str::trim)
}

/// The last line of the suite: `N messages sent, seed S`.
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
