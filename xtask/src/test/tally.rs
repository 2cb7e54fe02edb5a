// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts what passed and what failed.

/// What libtest's closing line begins with.
const RESULT: &str = "test result: ";

/// Passed and failed checks so far.
#[derive(Debug, Default)]
pub struct Tally {
    passed: usize,
    failures: Vec<String>,
}

impl Tally {
    /// One check that passed.
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    /// One check that failed.
    pub fn fail(&mut self, what: impl Into<String>) {
        self.failures.push(what.into());
    }

    /// One check, from its result.
    pub fn check(&mut self, what: &str, result: anyhow::Result<()>) {
        match result {
            Ok(()) => self.pass(),
            Err(error) => self.fail(format!("{what}: {error:#}")),
        }
    }

    /// The tests of a libtest run, from what it printed. A run without a closing
    /// line, with no test, or with a test that did not run, has failed.
    ///
    /// Returns how many tests passed.
    pub fn libtest(&mut self, what: &str, output: &str, succeeded: bool) -> usize {
        let mut passed = 0;
        let mut failed = 0;
        for line in output
            .lines()
            .filter_map(|line| line.trim().strip_prefix(RESULT))
        {
            passed += count(line, "passed");
            failed += count(line, "failed");
            for skipped in ["ignored", "filtered out"] {
                let number = count(line, skipped);
                if number > 0 {
                    self.fail(format!("{what}: {number} tests were {skipped}"));
                }
            }
        }
        self.passed += passed;
        for name in failed_names(output) {
            self.fail(format!("{what}: {name}"));
        }
        // Failures without a name, a crash in the middle, and a run of nothing.
        if failed > failed_names(output).count() || (!succeeded && failed == 0) {
            self.fail(format!("{what}: the run failed"));
        }
        if passed + failed == 0 {
            self.fail(format!("{what}: no test ran"));
        }
        passed
    }

    /// Adds what came of other checks.
    pub fn absorb(&mut self, other: Self) {
        self.passed += other.passed;
        self.failures.extend(other.failures);
    }

    /// How many checks passed.
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// How many checks failed.
    pub fn failed(&self) -> usize {
        self.failures.len()
    }

    /// What failed.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}

/// The number before a word in `ok. 5 passed; 0 failed; 0 ignored; …`.
fn count(line: &str, word: &str) -> usize {
    line.split(['.', ';'])
        .filter_map(|part| part.trim().strip_suffix(word))
        .find_map(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

fn failed_names(output: &str) -> impl Iterator<Item = &str> {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
}

#[cfg(test)]
mod tests {
    use super::Tally;

    const GOOD: &str = "test a ... ok\ntest result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";

    fn tally(output: &str, succeeded: bool) -> (usize, usize) {
        let mut tally = Tally::default();
        tally.libtest("x", output, succeeded);
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
}
