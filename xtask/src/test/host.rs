// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks that need no virtual machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::built::Built;
use super::guest::listed;
use super::judged::{BROWSER, METRICS};
use super::libtest::{REPORT_TIME, REPORT_TIME_ARGUMENTS};
use super::tally::{Origin, Tally};
use crate::artifacts::{self, EVERY_TEST, TestProgram};
use crate::exec;
use crate::paths::Paths;
use crate::progress::{Step, say};

/// Format, lints and documentation.
pub fn lint(paths: &Paths, tally: &mut Tally) {
    let mut format = Command::new(artifacts::cargo());
    format
        .args(["fmt", "--all", "--check"])
        .current_dir(&paths.root);
    tally.check("cargo fmt", run(paths, "format", format));

    // `--tests` includes the unit tests, but not the tests that a plain `cargo test` skips, even in
    // combination with `--test *`.
    let unit_tests: &[&str] = &["--workspace", "--exclude", "greet-ebpf", "--tests"];
    let all = [EVERY_TEST, &["--benches", "--examples"]].concat();
    for (what, targets) in [("lints", &*all), ("lints of unit tests", unit_tests)] {
        let mut clippy = artifacts::static_cargo(paths, &["clippy"]);
        clippy.args(targets).args(["--", "-D", "warnings"]);
        tally.check(&format!("clippy, {what}"), run(paths, what, clippy));
    }
    tally.check("clippy of greet-ebpf", ebpf_clippy(paths));

    // The configuration that the demo compiles.
    let few = ["clippy", "--package", "greet-user", "--no-default-features"];
    let mut few = artifacts::static_cargo(paths, &few);
    few.args(["--", "-D", "warnings"]);
    tally.check(
        "clippy without features",
        run(paths, "lints without features", few),
    );

    let doc = ["doc", "--no-deps", "--document-private-items"];
    let mut doc = artifacts::static_cargo(paths, &doc);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    tally.check("cargo doc", run(paths, "documentation", doc));

    // With the flags and the packages of the other tests: everything is compiled already.
    let crates: &[&str] = &["--doc", "--workspace", "--exclude", "greet-ebpf"];
    let examples = [&["test"], artifacts::OPTIMISED, crates].concat();
    let examples = artifacts::static_cargo(paths, &examples);
    tally.check(
        "examples in the documentation",
        run(paths, "examples in the documentation", examples),
    );
}

/// All tests except those judged by third-party programs.
///
/// With `only`, those whose path contains it.
pub fn unit_tests(paths: &Paths, built: &Built, only: Option<&str>, tally: &mut Tally) {
    let judged = [BROWSER, METRICS].map(judged_name);
    let own = built.on_this_machine();
    for test in own.filter(|test| !judged.contains(&test.name)) {
        run_matching(paths, test, only, &[], &test.name, tally);
    }
}

/// The name of a test program of greet-user.
pub fn judged_name(name: &str) -> String {
    format!("greet-user {name}")
}

/// Runs a test program as cargo would, unless no test matches, and counts its tests.
pub fn run_matching(
    paths: &Paths,
    test: &TestProgram,
    only: Option<&str>,
    environment: &[(&str, OsString)],
    what: &str,
    tally: &mut Tally,
) {
    let tests = match listed(&test.program) {
        Ok(tests) => tests,
        Err(error) => return tally.fail(format!("{what}: {error:#}")),
    };
    let matches = |name: &&String| only.is_none_or(|text| name.contains(text));
    let expected = tests.iter().filter(matches).count();
    // A crate's library or program may have no tests.
    if expected > 0 {
        run_tests(paths, test, (only, expected), environment, what, tally);
    }
}

fn run_tests(
    paths: &Paths,
    test: &TestProgram,
    (only, expected): (Option<&str>, usize),
    environment: &[(&str, OsString)],
    what: &str,
    tally: &mut Tally,
) {
    let mut command = Command::new(&test.program);
    command
        .args(REPORT_TIME_ARGUMENTS)
        .args(only)
        .env(REPORT_TIME.0, REPORT_TIME.1)
        .env("CARGO_MANIFEST_DIR", &test.package)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&test.package);
    let log = log(paths, what);
    let result = exec::logged(&mut command, &log, &Step::start(what));
    let printed = std::fs::read_to_string(&log).unwrap_or_default();
    let origin = Origin {
        suite: what,
        kernel: None,
        expected: Some(expected),
    };
    tally.libtest(origin, &printed, result.is_ok());
    if let Err(error) = result {
        say(&format!("{error:#}"));
    }
}

fn ebpf_clippy(paths: &Paths) -> Result<()> {
    let mut cargo = Command::new(artifacts::cargo());
    cargo.args(["clippy", "--locked", "--package", "greet-ebpf"]);
    cargo.args(["--target", "bpfel-unknown-none", "-Z", "build-std=core"]);
    // The profile that it is built with: host dependencies are already compiled.
    cargo.arg("--release").arg("--target-dir");
    cargo.arg(paths.target.join("ebpf"));
    cargo.args(["--", "-D", "warnings"]);
    cargo.env("RUSTC_BOOTSTRAP", "1").current_dir(&paths.root);
    if let Some(library) = rust_src(paths) {
        cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
    }
    run(paths, "lints of greet-ebpf", cargo)
}

/// The path that set-up recorded for greet-trace's build script.
fn rust_src(paths: &Paths) -> Option<PathBuf> {
    let text = std::fs::read_to_string(paths.setup().join("toolchain.env")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("RUST_SRC_LIBRARY="))
        .map(PathBuf::from)
}

fn run(paths: &Paths, what: &str, mut command: Command) -> Result<()> {
    let step = Step::start(what);
    exec::logged(&mut command, &log(paths, what), &step)?;
    step.done("");
    Ok(())
}

fn log(paths: &Paths, what: &str) -> PathBuf {
    let name: String = what
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    paths.logs().join(Path::new(&format!("test-{name}.log")))
}
