// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long stages and tests took: a human-readable table, and JSON for scripts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// How many of the slowest tests are listed.
const SLOWEST: usize = 10;
/// A test in a virtual machine that takes longer than this is reported, in seconds.
const LONG: f64 = 30.0;

/// The recorded times.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Times {
    /// The stages in the order in which they ended. They may overlap.
    pub stages: Vec<StageTime>,
    /// Every test that ran.
    pub tests: Vec<TestTime>,
}

/// A stage of the run.
#[derive(Debug, Serialize, Deserialize)]
pub struct StageTime {
    /// Its name.
    pub name: String,
    /// Start time relative to the start of the run, in seconds.
    pub start: f64,
    /// Wall time, in seconds.
    pub seconds: f64,
}

/// A test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestTime {
    /// The test program.
    pub suite: String,
    /// The kernel's release, if it ran in a virtual machine.
    pub kernel: Option<String>,
    /// The test's path.
    pub name: String,
    /// Wall time, in seconds; in a virtual machine, by its own clock.
    pub seconds: f64,
}

impl TestTime {
    fn line(&self) -> String {
        let Self {
            suite,
            name,
            seconds,
            ..
        } = self;
        format!("{seconds:>8.1} s  {suite} {name}")
    }
}

impl Times {
    /// Runs a stage and records how long it took.
    pub fn stage<T>(&mut self, began: Instant, name: &str, run: impl FnOnce() -> T) -> T {
        let start = began.elapsed().as_secs_f64();
        let made = run();
        self.stages.push(StageTime {
            name: name.to_owned(),
            start,
            seconds: began.elapsed().as_secs_f64() - start,
        });
        made
    }

    /// Adds the times of another run.
    pub fn absorb(&mut self, other: Self) {
        self.stages.extend(other.stages);
        self.tests.extend(other.tests);
    }

    /// The tables: stages by start time, then the slowest tests on the host and on each kernel,
    /// then the tests that took too long.
    pub fn table(&self) -> String {
        let mut lines =
            vec!["  stage                                         from       took".to_owned()];
        let mut stages: Vec<_> = self.stages.iter().collect();
        stages.sort_by(|one, other| one.start.total_cmp(&other.start));
        lines.extend(stages.iter().map(|stage| {
            let StageTime {
                name,
                start,
                seconds,
            } = stage;
            format!("  {name:<42} {start:>7.1} s {seconds:>8.1} s")
        }));
        for (kernel, tests) in self.slowest() {
            let place = kernel.unwrap_or("this machine");
            lines.push(format!("  the slowest tests on {place}"));
            lines.extend(tests.iter().take(SLOWEST).map(|test| test.line()));
        }
        let long = self.tests.iter().filter(|test| is_long(test));
        lines.extend(long.map(|test| {
            let kernel = test.kernel.as_deref().unwrap_or_default();
            let line = test.line();
            format!("  longer than {LONG} s on {kernel}: {}", line.trim())
        }));
        lines.join("\n")
    }

    /// The tests of each place, slowest first.
    fn slowest(&self) -> BTreeMap<Option<&str>, Vec<&TestTime>> {
        let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for test in &self.tests {
            places.entry(test.kernel.as_deref()).or_default().push(test);
        }
        for tests in places.values_mut() {
            tests.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
        }
        places
    }

    /// Writes all times as JSON.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(file, text + "\n").with_context(|| format!("writing {}", file.display()))
    }

    /// Reads the times of an earlier run; empty if there was none.
    pub fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

fn is_long(test: &TestTime) -> bool {
    test.kernel.is_some() && test.seconds > LONG
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times() -> Times {
        let test = |kernel: Option<&str>, name: &str, seconds| TestTime {
            suite: "vm".to_owned(),
            kernel: kernel.map(str::to_owned),
            name: name.to_owned(),
            seconds,
        };
        Times {
            stages: vec![
                StageTime {
                    name: "second".to_owned(),
                    start: 2.0,
                    seconds: 1.0,
                },
                StageTime {
                    name: "first".to_owned(),
                    start: 0.0,
                    seconds: 2.0,
                },
            ],
            tests: vec![
                test(Some("6.1"), "quick", 0.5),
                test(Some("6.1"), "endless", 31.0),
                test(None, "unit", 40.0),
            ],
        }
    }

    #[test]
    fn the_slowest_come_first_and_what_takes_too_long_is_named() {
        let table = times().table();
        let place = |words: &str| {
            table
                .find(words)
                .unwrap_or_else(|| panic!("{words}: {table}"))
        };
        assert!(place("first") < place("second"));
        assert!(place("endless") < place("quick"));
        assert!(
            table.contains("longer than 30 s on 6.1: 31.0 s  vm endless"),
            "{table}"
        );
        assert!(
            !table.contains("unit\n  longer"),
            "only virtual machines: {table}"
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("times.json");
        assert!(Times::read(&file).tests.is_empty());
        times().write(&file).expect("is written");
        assert_eq!(Times::read(&file).tests, times().tests);
    }
}
