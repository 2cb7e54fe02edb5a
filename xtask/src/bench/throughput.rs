// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many records per second `greet-user replay` converts to JSON, from its criterion benchmark on
//! the host. Measured in real time, so results vary between runs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::judge::Verdict;
use crate::paths::Paths;
use crate::progress::Step;
use crate::{artifacts, exec};

/// The minimum rate, in records per second on one core.
const LIMIT: f64 = 500_000.0;
/// Where criterion stores its results, below the target directory.
const RESULTS: &str = "criterion/json/recording to JSON/new";

/// The result of the benchmark.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Throughput {
    /// From a recording to JSON, in records per second on one core.
    pub records_per_second: f64,
    /// The lowest rate allowed.
    pub limit: f64,
    /// Whether the limit holds.
    pub verdict: Verdict,
}

/// The fields of criterion's `estimates.json` that we use.
#[derive(Debug, Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Debug, Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// The fields of `benchmark.json` that we use.
#[derive(Debug, Deserialize)]
struct Benchmark {
    throughput: Elements,
}

#[derive(Debug, Deserialize)]
struct Elements {
    #[serde(rename = "Elements")]
    elements: f64,
}

/// Runs the benchmark.
///
/// # Errors
/// Fails if it does not compile, or fails.
pub fn measure(paths: &Paths, quick: bool) -> Result<Throughput> {
    let step = Step::start("records per second in user space (criterion)");
    let mut cargo = Command::new(artifacts::cargo());
    cargo.args(["bench", "--locked", "--package", "greet-user"]);
    cargo.args(["--bench", "json", "--", "--noplot"]);
    if quick {
        cargo.args(["--warm-up-time", "1", "--measurement-time", "2"]);
    }
    cargo
        .env("CARGO_TARGET_DIR", &paths.target)
        .current_dir(&paths.root);
    exec::logged(&mut cargo, &paths.logs().join("bench-json.log"), &step)?;
    let throughput = read(&paths.target.join(RESULTS))?;
    step.done(format!("{:.0}", throughput.records_per_second));
    Ok(throughput)
}

fn read(folder: &Path) -> Result<Throughput> {
    let text = |name: &str| {
        let file = folder.join(name);
        std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
    };
    parse(&text("benchmark.json")?, &text("estimates.json")?)
}

fn parse(benchmark: &str, estimates: &str) -> Result<Throughput> {
    let benchmark: Benchmark =
        serde_json::from_str(benchmark).context("criterion's benchmark.json")?;
    let estimates: Estimates =
        serde_json::from_str(estimates).context("criterion's estimates.json")?;
    let records_per_second = benchmark.throughput.elements * 1e9 / estimates.median.point_estimate;
    let verdict = if records_per_second >= LIMIT {
        Verdict::Kept
    } else {
        Verdict::Broken
    };
    Ok(Throughput {
        records_per_second,
        limit: LIMIT,
        verdict,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BENCHMARK: &str = r#"{"group_id":"json","throughput":{"Elements":3000},"title":"x"}"#;

    fn estimates(ns: f64) -> String {
        format!(r#"{{"mean":{{"point_estimate":1.0}},"median":{{"point_estimate":{ns}}}}}"#)
    }

    #[test]
    fn criterions_numbers_become_records_a_second() {
        let fast = parse(BENCHMARK, &estimates(3e6)).expect("numbers");
        assert!((fast.records_per_second - 1e6).abs() < 1e-6);
        assert_eq!(fast.verdict, Verdict::Kept);
        let slow = parse(BENCHMARK, &estimates(3e7)).expect("numbers");
        assert_eq!(slow.verdict, Verdict::Broken);
        assert!(parse("{}", &estimates(1.0)).is_err());
    }
}
