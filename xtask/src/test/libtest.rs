// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parses the output of a libtest program: which tests passed, and how long each took.

/// Makes a test program print how long each test took. On a stable toolchain libtest requires this
/// variable, as does the build of `greet-ebpf`.
pub const REPORT_TIME: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");
/// The arguments for the same purpose.
pub const REPORT_TIME_ARGUMENTS: &[&str] = &["-Z", "unstable-options", "--report-time"];

/// The start of libtest's closing line.
const RESULT: &str = "test result: ";
/// The line before the output of failed tests, and before the list of their names.
const FAILURES: &str = "failures:";
/// Lines that the standard library adds to a panic's message.
const ADDED: &[&str] = &["note: run with `RUST_BACKTRACE=1`", "stack backtrace:"];
/// How many lines of a failed test's output to keep: its panic comes last.
const LINES: usize = 12;

/// The contents of a run's output.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// Tests that ran to completion, in that order.
    pub tests: Vec<Test>,
    /// Passed tests, according to the closing lines.
    pub passed: usize,
    /// Failed tests, according to the closing lines.
    pub failed: usize,
    /// Tests marked as ignored.
    pub ignored: usize,
    /// Tests filtered out by the arguments.
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
    /// For a failed test, the last lines of its output, up to its panic.
    pub said: Vec<String>,
}

impl Report {
    /// Parses the output. A test's line may be interrupted by the test's own output: its result
    /// then appears on a separate line.
    pub fn read(output: &str) -> Self {
        let mut report = Self::default();
        let mut open = None;
        let mut failed = None;
        for line in output.lines() {
            match section(line) {
                Some(Section::Of(name)) => {
                    failed = report.tests.iter().rposition(|test| test.name == name);
                    continue;
                }
                Some(Section::End) => failed = None,
                None => {}
            }
            if let Some(test) = failed {
                if ADDED.iter().any(|added| line.starts_with(added)) {
                    failed = None;
                } else {
                    report.tests[test].add(line);
                }
                continue;
            }
            let line = line.trim();
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
                // `test x ... ` with the result still to come has lost its trailing space.
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
                    said: Vec::new(),
                });
            }
        }
        report
    }
}

impl Test {
    /// Adds a line of its output.
    fn add(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.said.len() == LINES {
            self.said.remove(0);
        }
        self.said.push(line.to_owned());
    }
}

/// The section markers in the output of failed tests.
enum Section<'a> {
    /// The following lines belong to this test.
    Of(&'a str),
    /// The following lines belong to no test.
    End,
}

fn section(line: &str) -> Option<Section<'_>> {
    let name = line
        .strip_prefix("---- ")
        .and_then(|rest| rest.strip_suffix(" ----"));
    if let Some((name, _)) = name.and_then(|name| name.rsplit_once(' ')) {
        return Some(Section::Of(name));
    }
    (line == FAILURES || line.starts_with(RESULT)).then_some(Section::End)
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
            said: Vec::new(),
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
    fn what_a_failed_test_printed_is_its_own() {
        let many: String = (0..20).map(|number| format!("line {number}\n")).collect();
        let output = format!(
            "test a ... FAILED\ntest b ... FAILED\ntest c ... ok\n\nfailures:\n\n\
             ---- a stdout ----\nmade 3\n\nthread 'a' panicked at x.rs:1:1:\n  left: 1\n\
             stack backtrace:\n   0: rust_begin_unwind\n\n\
             ---- b stdout ----\n{many}\n\nfailures:\n    a\n    b\n\n\
             test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n"
        );
        let report = Report::read(&output);
        assert_eq!((report.passed, report.failed), (1, 2));
        let said: Vec<_> = report.tests.iter().map(|test| &*test.said).collect();
        let own = ["made 3", "thread 'a' panicked at x.rs:1:1:", "  left: 1"];
        assert_eq!(said[0], own);
        assert_eq!(said[1].len(), LINES);
        assert_eq!(said[1][LINES - 1], "line 19");
        assert!(said[2].is_empty());
    }

    #[test]
    fn without_times_the_outcomes_are_read() {
        let report = Report::read("test a ... ok\ntest b ... FAILED\n");
        let outcomes: Vec<_> = report.tests.iter().map(|test| test.passed).collect();
        assert_eq!(outcomes, [true, false]);
        assert!(report.tests.iter().all(|test| test.seconds.is_none()));
    }
}
