// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many records a second user space turns into JSON, from greet-user's criterion
//! benchmark on this machine. Real time, so it differs from run to run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::judge::Verdict;
use crate::paths::Paths;
use crate::progress::Step;
use crate::{artifacts, exec};

/// Records a second on one core that must be reached.
const LIMIT: f64 = 500_000.0;
/// Where criterion leaves its numbers, below the build folder.
const RESULTS: &str = "criterion/stream/bytes to JSON/new";

/// What the benchmark found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Throughput {
    /// From the ring buffer's bytes to JSON, records a second on one core.
    pub records_per_second: f64,
    /// The least that it may be.
    pub limit: f64,
    /// Whether it is.
    pub verdict: Verdict,
}

/// The little of criterion's `estimates.json` that is of use here.
#[derive(Debug, Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Debug, Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// The same of its `benchmark.json`.
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
/// Where it does not compile or fails.
pub fn measure(paths: &Paths, quick: bool) -> Result<Throughput> {
    let step = Step::start("records a second in user space (criterion)");
    let mut cargo = Command::new(artifacts::cargo());
    cargo.args(["bench", "--locked", "--package", "greet-user"]);
    cargo.args(["--bench", "stream", "--", "--noplot"]);
    if quick {
        cargo.args(["--warm-up-time", "1", "--measurement-time", "2"]);
    }
    cargo
        .env("CARGO_TARGET_DIR", &paths.target)
        .current_dir(&paths.root);
    exec::logged(&mut cargo, &paths.logs().join("bench-stream.log"), &step)?;
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

    const BENCHMARK: &str = r#"{"group_id":"stream","throughput":{"Elements":3000},"title":"x"}"#;

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
