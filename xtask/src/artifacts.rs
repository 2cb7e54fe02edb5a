// SPDX-License-Identifier: MIT OR Apache-2.0
//! The static programs that go into the virtual machine, and the tests: what cargo builds.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::debian::Debian;
use crate::exec;
use crate::paths::{Paths, TRIPLE};
use crate::progress::Step;

/// glibc, linked statically: the machine holds no libraries.
const RUSTFLAGS: (&str, &str) = (
    "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
    "-C target-feature=+crt-static",
);

/// By how much a build gives way to others, see nice(1).
const NICENESS: &str = "10";

/// How much of an optimiser's time a program is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to compile, and compiled already where anything was tested: see `Cargo.toml`.
    Dev,
    /// As people install it.
    Release,
}

/// Which of greet-user's features are compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Features {
    /// All, as people install it.
    All,
    /// What a greeting, its trace, captures, recordings and reports take.
    Few,
}

/// The programs that every machine holds.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The tool.
    pub greet_user: PathBuf,
    /// PID 1.
    pub guest_init: PathBuf,
}

impl Programs {
    fn of(built: &[Artifact]) -> Result<Self> {
        Ok(Self {
            greet_user: program(built, "greet-user")?,
            guest_init: program(built, "guest_init")?,
        })
    }

    /// The same without what only debuggers read.
    ///
    /// # Errors
    /// As [`stripped`].
    pub fn stripped(&self, paths: &Paths, debian: &Debian) -> Result<Self> {
        Ok(Self {
            greet_user: stripped(paths, debian, &self.greet_user)?,
            guest_init: stripped(paths, debian, &self.guest_init)?,
        })
    }
}

/// A test program.
#[derive(Debug, Clone)]
pub struct TestProgram {
    /// Its package and its target, e.g. `greet-user replay`.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// The folder of its package: what cargo runs it in.
    pub package: PathBuf,
}

/// Builds greet-user and PID 1.
///
/// # Errors
/// Where they do not compile.
pub fn programs(paths: &Paths, profile: Profile, features: Features) -> Result<Programs> {
    let mut arguments = vec!["build"];
    for package in ["greet-user", "xtask"] {
        arguments.extend(["--package", package]);
    }
    for program in ["greet-user", "guest_init"] {
        arguments.extend(["--bin", program]);
    }
    if features == Features::Few {
        arguments.push("--no-default-features");
    }
    let what = "greet-user, static, and the machine's PID 1";
    Programs::of(&build(paths, what, profile, &arguments)?)
}

/// Builds what measures inside the machine.
///
/// # Errors
/// Where it does not compile.
pub fn guest_bench(paths: &Paths) -> Result<PathBuf> {
    let arguments = ["build", "--package", "xtask", "--bin", "guest_bench"];
    let what = "what measures in the machine";
    let built = build(paths, what, Profile::Release, &arguments)?;
    program(&built, "guest_bench")
}

/// All tests of all crates but greet-ebpf's, those too that a plain `cargo test` leaves alone.
pub const EVERY_TEST: &[&str] = &[
    "--workspace",
    "--exclude",
    "greet-ebpf",
    "--lib",
    "--bins",
    "--test",
    "*",
];

/// An emulator runs greet-user for half an hour in all: to optimise it a little pays, to
/// optimise it in full, with all that it depends on, takes longer than it saves.
const OPTIMISED: &[&str] = &["--config", "profile.dev.package.greet-user.opt-level=1"];

/// Builds every test program, and what they test. It is one call of cargo, so that each
/// dependency is compiled once, with one set of features.
///
/// # Errors
/// Where one does not compile.
pub fn tests(paths: &Paths) -> Result<(Programs, Vec<TestProgram>)> {
    let arguments = [&["test", "--no-run"], OPTIMISED, EVERY_TEST].concat();
    let what = "greet-user, the machine's PID 1 and all tests, static";
    let built = build(paths, what, Profile::Dev, &arguments)?;
    let (tests, programs): (Vec<_>, Vec<_>) = built
        .into_iter()
        .partition(|artifact| artifact.profile.test);
    let tests = tests.into_iter().filter_map(Artifact::into_test).collect();
    Ok((Programs::of(&programs)?, tests))
}

/// A copy of a program without what only debuggers read: three quarters of its size, which the
/// machine would hold in memory.
///
/// # Errors
/// Where it cannot be written.
pub fn stripped(paths: &Paths, debian: &Debian, program: &Path) -> Result<PathBuf> {
    let folder = paths.vm().join("stripped");
    fs::create_dir_all(&folder)?;
    let copy = folder.join(program.file_name().unwrap_or_default());
    let mut strip = debian.root.borrow("/usr/bin/strip")?;
    // What has the name is whole: several machines may be composed at once.
    let half = tempfile::NamedTempFile::new_in(&folder)?.into_temp_path();
    exec::capture(strip.arg("-o").arg(&half).arg(program)).context("stripping a program")?;
    half.persist(&copy)?;
    Ok(copy)
}

/// The cargo that runs us.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A cargo command for [`TRIPLE`], with the flags and the build folder that all have in common.
pub fn static_cargo(paths: &Paths, arguments: &[&str]) -> Command {
    // What goes on beside it, such as the eBPF tool chain that greet-user's build script waits
    // for, or a virtual machine with its timers, goes first.
    let mut nice = Command::new("nice");
    nice.args(["-n", NICENESS]).arg(cargo());
    nice.args(arguments)
        .args(["--locked", "--target", TRIPLE, "--target-dir"])
        // The build folder that xtask itself was built in, wherever the user has put it.
        .arg(&paths.target)
        .env(RUSTFLAGS.0, RUSTFLAGS.1)
        .current_dir(&paths.root);
    nice
}

/// The little of cargo's JSON messages that is of use here.
#[derive(Debug, Deserialize)]
struct Artifact {
    target: ArtifactTarget,
    profile: ArtifactProfile,
    manifest_path: PathBuf,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct ArtifactTarget {
    name: String,
}

#[derive(Debug, Deserialize)]
struct ArtifactProfile {
    test: bool,
}

impl Artifact {
    fn into_test(self) -> Option<TestProgram> {
        let package = self.manifest_path.parent()?.to_path_buf();
        let folder = package.file_name()?.to_string_lossy();
        Some(TestProgram {
            name: format!("{folder} {}", self.target.name),
            program: self.executable?,
            package,
        })
    }
}

fn program(built: &[Artifact], name: &str) -> Result<PathBuf> {
    let mut named = built.iter().filter(|artifact| artifact.target.name == name);
    named
        .find_map(|artifact| artifact.executable.clone())
        .with_context(|| format!("cargo built no {name}"))
}

fn build(paths: &Paths, what: &str, profile: Profile, arguments: &[&str]) -> Result<Vec<Artifact>> {
    let step = Step::start(what);
    let mut cargo = static_cargo(paths, arguments);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    let log = paths.logs().join(format!("cargo-{}.log", arguments[0]));
    let lines = exec::logged(&mut cargo, &log, &step)?;
    step.done("");
    Ok(lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}
