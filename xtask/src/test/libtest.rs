// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a libtest program prints: which tests passed, and how long each took.

/// What makes a test program print how long each test took. On a stable
/// toolchain libtest requires this variable, as the build of `greet-ebpf` does.
pub const REPORT_TIME: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");
/// The same: its arguments.
pub const REPORT_TIME_ARGUMENTS: &[&str] = &["-Z", "unstable-options", "--report-time"];

/// What libtest's closing line begins with.
const RESULT: &str = "test result: ";

/// What a run's output says.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// Tests that ran to their end, in that order.
    pub tests: Vec<Test>,
    /// What the closing lines count.
    pub passed: usize,
    /// What the closing lines count.
    pub failed: usize,
    /// Tests that were marked to be left out.
    pub ignored: usize,
    /// Tests that the arguments left out.
    pub filtered_out: usize,
}

/// One test.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// Its path, e.g. `hooks::both_agree`.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// How long it took, in seconds.
    pub seconds: Option<f64>,
}

impl Report {
    /// Reads what was printed. A test's line may have been broken by what the test itself
    /// printed: its end then stands in a line of its own.
    pub fn read(output: &str) -> Self {
        let mut report = Self::default();
        let mut open = None;
        for line in output.lines().map(str::trim) {
            if let Some(counts) = line.strip_prefix(RESULT) {
                report.passed += count(counts, "passed");
                report.failed += count(counts, "failed");
                report.ignored += count(counts, "ignored");
                report.filtered_out += count(counts, "filtered out");
                continue;
            }
            let begun = line
                .strip_prefix("test ")
                .and_then(|line| line.split_once(" ... "))
                // `test x ... ` whose end is still to come has no blank behind it any more.
                .or_else(|| Some((line.strip_prefix("test ")?.strip_suffix(" ...")?, "")));
            let end = match begun {
                Some((name, end)) => {
                    open = Some(name.to_owned());
                    end
                }
                None => line,
            };
            if let (Some((passed, seconds)), Some(name)) = (outcome(end), &open) {
                let name = name.clone();
                open = None;
                report.tests.push(Test {
                    name,
                    passed,
                    seconds,
                });
            }
        }
        report
    }
}

/// `ok <1.234s>` or `FAILED`.
fn outcome(text: &str) -> Option<(bool, Option<f64>)> {
    let (word, time) = text.split_once(' ').unwrap_or((text, ""));
    let passed = match word {
        "ok" => true,
        "FAILED" => false,
        _ => return None,
    };
    let seconds = time
        .strip_prefix('<')
        .and_then(|time| time.strip_suffix("s>"));
    Some((passed, seconds.and_then(|seconds| seconds.parse().ok())))
}

/// The number before a word in `ok. 5 passed; 0 failed; 0 ignored; …`.
fn count(line: &str, word: &str) -> usize {
    line.split(['.', ';'])
        .filter_map(|part| part.trim().strip_suffix(word))
        .find_map(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_a_line_may_be_broken() {
        let output = "running 3 tests\n\
                      test a::one ... ok <0.123s>\n\
                      test b ... 10 killed, 7 with packets\n\
                      ok <12.5s>\n\
                      test c ...\n\
                      FAILED <0.001s>\n\
                      \n\
                      test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1s\n";
        let report = Report::read(output);
        let test = |name: &str, passed, seconds| Test {
            name: name.to_owned(),
            passed,
            seconds: Some(seconds),
        };
        let expected = [
            test("a::one", true, 0.123),
            test("b", true, 12.5),
            test("c", false, 0.001),
        ];
        assert_eq!(report.tests, expected);
        let counts = (
            report.passed,
            report.failed,
            report.ignored,
            report.filtered_out,
        );
        assert_eq!(counts, (2, 1, 0, 4));
    }

    #[test]
    fn without_times_the_outcomes_are_read() {
        let report = Report::read("test a ... ok\ntest b ... FAILED\n");
        let outcomes: Vec<_> = report.tests.iter().map(|test| test.passed).collect();
        assert_eq!(outcomes, [true, false]);
        assert!(report.tests.iter().all(|test| test.seconds.is_none()));
    }
}
