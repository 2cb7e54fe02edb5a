// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks that need no virtual machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::judged::{BROWSER, METRICS};
use super::tally::Tally;
use crate::paths::Paths;
use crate::progress::Step;
use crate::{artifacts, exec};

/// Format, lints, unit tests and documentation.
pub fn check(paths: &Paths, tally: &mut Tally) {
    tally.check(
        "cargo fmt",
        cargo(paths, "format", &["fmt", "--all", "--check"]).map(drop),
    );
    let clippy = [
        "clippy",
        "--locked",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    tally.check("clippy", cargo(paths, "lints", &clippy).map(drop));
    tally.check("clippy of the other tests", other_tests_clippy(paths));
    tally.check("clippy of greet-ebpf", ebpf_clippy(paths));
    unit_tests(paths, tally);
    let doc = ["doc", "--locked", "--no-deps", "--document-private-items"];
    tally.check("cargo doc", cargo(paths, "documentation", &doc).map(drop));
}

/// `--all-targets` passes over tests that a plain `cargo test` leaves alone.
fn other_tests_clippy(paths: &Paths) -> Result<()> {
    let mut arguments = vec!["clippy", "--locked", "--package", "greet-user"];
    for test in ["vm", "hostile", BROWSER, METRICS] {
        arguments.extend(["--test", test]);
    }
    arguments.extend(["--", "-D", "warnings"]);
    cargo(paths, "lints of the other tests", &arguments).map(drop)
}

fn unit_tests(paths: &Paths, tally: &mut Tally) {
    match cargo(paths, "unit tests", &["test", "--locked", "--no-fail-fast"]) {
        Ok(lines) => {
            tally.libtest("unit tests", &lines.join("\n"), true);
        }
        Err(error) => {
            // What failed is in the log, with the tests that passed.
            let log = std::fs::read_to_string(log(paths, "unit tests")).unwrap_or_default();
            tally.libtest("unit tests", &log, false);
            crate::progress::say(&format!("{error:#}"));
        }
    }
}

fn ebpf_clippy(paths: &Paths) -> Result<()> {
    let step = Step::start("lints of greet-ebpf");
    let mut cargo = Command::new(artifacts::cargo());
    cargo.args([
        "clippy",
        "--locked",
        "--package",
        "greet-ebpf",
        "--target",
        "bpfel-unknown-none",
    ]);
    cargo
        .args(["-Z", "build-std=core", "--target-dir"])
        .arg(paths.target.join("ebpf"));
    cargo.args(["--", "-D", "warnings"]);
    cargo.env("RUSTC_BOOTSTRAP", "1").current_dir(&paths.root);
    if let Some(library) = rust_src(paths) {
        cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
    }
    exec::logged(&mut cargo, &log(paths, "lints of greet-ebpf"), &step)?;
    step.done("");
    Ok(())
}

/// What set-up wrote down for greet-user's build script.
fn rust_src(paths: &Paths) -> Option<PathBuf> {
    let text = std::fs::read_to_string(paths.setup().join("toolchain.env")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("RUST_SRC_LIBRARY="))
        .map(PathBuf::from)
}

fn cargo(paths: &Paths, what: &str, arguments: &[&str]) -> Result<Vec<String>> {
    let step = Step::start(what);
    let mut cargo = Command::new(artifacts::cargo());
    cargo
        .args(arguments)
        .env("RUSTDOCFLAGS", "-D warnings")
        .current_dir(&paths.root);
    // The build folder that xtask itself was built in, wherever the user has put it.
    cargo.env("CARGO_TARGET_DIR", &paths.target);
    let lines = exec::logged(&mut cargo, &log(paths, what), &step)?;
    step.done("");
    Ok(lines)
}

fn log(paths: &Paths, what: &str) -> PathBuf {
    paths
        .logs()
        .join(format!("test-{}.log", what.replace([' ', '\''], "-")))
}
