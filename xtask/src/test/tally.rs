// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts passed and failed checks, and records how long they took.

use super::libtest::{Report, Test};
use super::times::{TestTime, Times};

/// Passed and failed checks so far.
#[derive(Debug, Default)]
pub struct Tally {
    passed: usize,
    failures: Vec<String>,
    /// How long stages and tests took.
    pub times: Times,
}

/// A run of a test program.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The suite's name.
    pub suite: &'a str,
    /// The kernel, if it ran in a virtual machine.
    pub kernel: Option<&'a str>,
    /// How many tests should run; `None` for all that the program has.
    pub expected: Option<usize>,
}

impl Origin<'_> {
    fn name(&self) -> String {
        match self.kernel {
            Some(kernel) => format!("{} on {kernel}", self.suite),
            None => self.suite.to_owned(),
        }
    }
}

impl Tally {
    /// Counts a check that passed.
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    /// Counts a check that failed.
    pub fn fail(&mut self, what: impl Into<String>) {
        self.failures.push(what.into());
    }

    /// Counts a check by its result.
    pub fn check(&mut self, what: &str, result: anyhow::Result<()>) {
        match result {
            Ok(()) => self.pass(),
            Err(error) => self.fail(format!("{what}: {error:#}")),
        }
    }

    /// Counts the tests of a libtest run from its output. A run fails if its closing line is
    /// missing, no test ran, or a test was skipped.
    ///
    /// Returns how many tests passed.
    pub fn libtest(&mut self, origin: Origin<'_>, output: &str, succeeded: bool) -> usize {
        let what = origin.name();
        let report = Report::read(output);
        if report.ignored > 0 {
            self.fail(format!("{what}: {} tests were ignored", report.ignored));
        }
        let ran = report.passed + report.failed;
        match origin.expected {
            None if report.filtered_out > 0 => {
                self.fail(format!(
                    "{what}: {} tests were filtered out",
                    report.filtered_out
                ));
            }
            Some(expected) if ran != expected => {
                self.fail(format!("{what}: {ran} tests ran instead of {expected}"));
            }
            _ if ran == 0 => self.fail(format!("{what}: no test ran")),
            _ => {}
        }
        self.passed += report.passed;
        let names = report.tests.iter().filter(|test| !test.passed);
        let named = names.map(|test| self.fail(failure(&what, test))).count();
        // Failures without a name, a crash midway, or an empty run.
        if report.failed > named || (!succeeded && report.failed == 0) {
            self.fail(format!("{what}: the run failed"));
        }
        let times = report.tests.into_iter().filter_map(|test| {
            Some(TestTime {
                suite: origin.suite.to_owned(),
                kernel: origin.kernel.map(str::to_owned),
                seconds: test.seconds?,
                name: test.name,
            })
        });
        self.times.tests.extend(times);
        report.passed
    }

    /// Adds the results of other checks.
    pub fn absorb(&mut self, other: Self) {
        self.passed += other.passed;
        self.failures.extend(other.failures);
        self.times.absorb(other.times);
    }

    /// How many checks passed.
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// How many checks failed.
    pub fn failed(&self) -> usize {
        self.failures.len()
    }

    /// The failures.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}

/// The test's name, followed by its output.
fn failure(what: &str, test: &Test) -> String {
    let mut text = format!("{what}: {}", test.name);
    for line in &test.said {
        text.push_str("\n    ");
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Origin, Tally};

    const GOOD: &str = "test a ... ok\ntest result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";

    fn tally(output: &str, succeeded: bool) -> (usize, usize) {
        expecting(None, output, succeeded)
    }

    fn expecting(expected: Option<usize>, output: &str, succeeded: bool) -> (usize, usize) {
        let mut tally = Tally::default();
        let origin = Origin {
            suite: "x",
            kernel: None,
            expected,
        };
        tally.libtest(origin, output, succeeded);
        (tally.passed(), tally.failed())
    }

    #[test]
    fn a_good_run_counts_its_tests() {
        assert_eq!(tally(GOOD, true), (5, 0));
        assert_eq!(tally(&format!("{GOOD}{GOOD}"), true), (10, 0));
    }

    #[test]
    fn a_failed_test_is_named_once() {
        let output = "test a ... FAILED\ntest result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(tally(output, false), (4, 1));
    }

    #[test]
    fn why_a_test_failed_stands_below_its_name() {
        let output = "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\nleft: 1\n\nfailures:\n    a\n\ntest result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let mut tally = Tally::default();
        let origin = Origin {
            suite: "x",
            kernel: Some("6.1"),
            expected: None,
        };
        tally.libtest(origin, output, false);
        assert_eq!(tally.failures(), ["x on 6.1: a\n    left: 1"]);
    }

    #[test]
    fn what_did_not_run_has_failed() {
        assert_eq!(tally("", true), (0, 1));
        assert_eq!(
            tally("test a ... ok\n", false),
            (0, 2),
            "a crash, and no closing line"
        );
        assert_eq!(tally(GOOD, false), (5, 1), "a bad exit status");
        let ignored = GOOD.replace("0 ignored", "1 ignored");
        assert_eq!(tally(&ignored, true), (5, 1));
        let filtered = GOOD.replace("0 filtered", "2 filtered");
        assert_eq!(tally(&filtered, true), (5, 1));
    }

    #[test]
    fn of_a_slice_each_test_has_run() {
        let filtered = GOOD.replace("0 filtered", "2 filtered");
        assert_eq!(expecting(Some(5), &filtered, true), (5, 0));
        assert_eq!(expecting(Some(6), &filtered, true), (5, 1));
        assert_eq!(expecting(Some(1), "", true), (0, 1));
    }
}
