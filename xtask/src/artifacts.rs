// SPDX-License-Identifier: MIT OR Apache-2.0
//! The static programs that go into the virtual machine.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::exec;
use crate::paths::Paths;
use crate::progress::Step;

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// glibc, linked statically: the machine holds no libraries.
const RUSTFLAGS: (&str, &str) = (
    "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
    "-C target-feature=+crt-static",
);

/// The programs that every machine holds.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The tool.
    pub greet_user: PathBuf,
    /// PID 1.
    pub guest_init: PathBuf,
}

/// Builds greet-user and PID 1.
///
/// # Errors
/// Where they do not compile.
pub fn programs(paths: &Paths) -> Result<Programs> {
    let built = build(
        paths,
        "greet-user, static, and the machine's PID 1",
        &[
            "build",
            "--package",
            "greet-user",
            "--package",
            "xtask",
            "--bin",
            "greet-user",
            "--bin",
            "guest_init",
        ],
    )?;
    let find = |name: &str| {
        let program = built.iter().find(|artifact| artifact.target.name == name);
        program
            .and_then(|artifact| artifact.executable.clone())
            .with_context(|| format!("cargo built no {name}"))
    };
    Ok(Programs {
        greet_user: find("greet-user")?,
        guest_init: find("guest_init")?,
    })
}

/// Builds what measures inside the machine.
///
/// # Errors
/// Where it does not compile.
pub fn guest_bench(paths: &Paths) -> Result<PathBuf> {
    let built = build(
        paths,
        "what measures in the machine",
        &["build", "--package", "xtask", "--bin", "guest_bench"],
    )?;
    let program = built
        .into_iter()
        .find(|artifact| artifact.target.name == "guest_bench");
    program
        .and_then(|artifact| artifact.executable)
        .context("cargo built no guest_bench")
}

/// Builds the test programs that run inside the machine, by name.
///
/// # Errors
/// Where they do not compile.
pub fn guest_tests(paths: &Paths) -> Result<Vec<(String, PathBuf)>> {
    let built = build(
        paths,
        "the tests that run in the machine",
        &[
            "test",
            "--no-run",
            "--package",
            "greet-user",
            "--test",
            "vm",
            "--test",
            "hostile",
        ],
    )?;
    let is_test = |artifact: &&Artifact| artifact.target.kind.iter().any(|kind| kind == "test");
    let test =
        |artifact: &Artifact| Some((artifact.target.name.clone(), artifact.executable.clone()?));
    Ok(built.iter().filter(is_test).filter_map(test).collect())
}

/// The cargo that runs us.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The little of cargo's JSON messages that is of use here.
#[derive(Debug, Deserialize)]
struct Artifact {
    target: ArtifactTarget,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct ArtifactTarget {
    name: String,
    kind: Vec<String>,
}

fn build(paths: &Paths, what: &str, arguments: &[&str]) -> Result<Vec<Artifact>> {
    let step = Step::start(what);
    let mut cargo = Command::new(cargo());
    cargo
        .args(arguments)
        .args(["--release", "--locked", "--target", TARGET])
        .args([
            "--message-format",
            "json-render-diagnostics",
            "--target-dir",
        ])
        .arg(&paths.target)
        .env(RUSTFLAGS.0, RUSTFLAGS.1)
        .current_dir(&paths.root);
    let log = paths.logs().join(format!("cargo-{}.log", arguments[0]));
    let lines = exec::logged(&mut cargo, &log, &step)?;
    step.done("");
    Ok(lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}
