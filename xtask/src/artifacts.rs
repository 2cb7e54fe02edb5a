// SPDX-License-Identifier: MIT OR Apache-2.0
//! Static programs built by cargo: those that run in the virtual machine, and the tests.

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

/// Links glibc statically: the virtual machine has no shared libraries.
const RUSTFLAGS: (&str, &str) = (
    "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
    "-C target-feature=+crt-static",
);

/// The niceness of builds; see nice(1).
const NICENESS: &str = "10";

/// How much optimisation a program gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to compile, and already compiled if any tests have run; see `Cargo.toml`.
    Dev,
    /// As users install it.
    Release,
}

/// The greet-user features to compile in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Features {
    /// All of them, as users install it.
    All,
    /// Only those needed to greet, trace, capture, record and report.
    Few,
}

/// The programs in every virtual machine.
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

    /// The same programs, stripped of debug information.
    ///
    /// # Errors
    /// Same as [`stripped`].
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
    /// The package and target, e.g. `greet-user replay`.
    pub name: String,
    /// The executable.
    pub program: PathBuf,
    /// The package's directory, in which cargo runs it.
    pub package: PathBuf,
}

/// Builds greet-user and PID 1.
///
/// # Errors
/// Fails if they do not compile.
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

/// Builds the benchmark program that runs in the virtual machine.
///
/// # Errors
/// Fails if it does not compile.
pub fn guest_bench(paths: &Paths) -> Result<PathBuf> {
    let arguments = ["build", "--package", "xtask", "--bin", "guest_bench"];
    let what = "the benchmark program for the machine";
    let built = build(paths, what, Profile::Release, &arguments)?;
    program(&built, "guest_bench")
}

/// All tests of all crates except greet-ebpf, including those that a plain `cargo test` skips.
pub const EVERY_TEST: &[&str] = &[
    "--workspace",
    "--exclude",
    "greet-ebpf",
    "--lib",
    "--bins",
    "--test",
    "*",
];

/// Flags of all builds of tests. greet-user runs under emulation for half an hour in total. A little
/// optimisation pays off; optimising it fully, with all its dependencies, takes longer than it saves.
pub const OPTIMISED: &[&str] = &[
    "--config",
    "profile.dev.package.greet-user.opt-level=1",
    "--config",
    "profile.dev.package.greet-trace.opt-level=1",
];

/// Builds every test program and the programs under test, in one cargo invocation so that each
/// dependency is compiled once, with one set of features.
///
/// # Errors
/// Fails if any of them does not compile.
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

/// Copies a program without its debug information. The copy is a quarter of the original's size;
/// the virtual machine would hold the rest in memory.
///
/// # Errors
/// Fails if the copy cannot be written.
pub fn stripped(paths: &Paths, debian: &Debian, program: &Path) -> Result<PathBuf> {
    let folder = paths.vm().join("stripped");
    fs::create_dir_all(&folder)?;
    let copy = folder.join(program.file_name().unwrap_or_default());
    let mut strip = debian.root.borrow("/usr/bin/strip")?;
    // Renamed into place only when complete: several machines may be composed concurrently.
    let half = tempfile::NamedTempFile::new_in(&folder)?.into_temp_path();
    exec::capture(strip.arg("-o").arg(&half).arg(program)).context("stripping a program")?;
    half.persist(&copy)?;
    Ok(copy)
}

/// The cargo that runs xtask.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A cargo command for [`TRIPLE`], with the flags and the target directory that all builds share.
pub fn static_cargo(paths: &Paths, arguments: &[&str]) -> Command {
    // Concurrent work takes priority: the eBPF toolchain, which greet-trace's build script waits
    // for, or a virtual machine with its timers.
    let mut nice = Command::new("nice");
    nice.args(["-n", NICENESS]).arg(cargo());
    nice.args(arguments)
        .args(["--locked", "--target", TRIPLE, "--target-dir"])
        // The target directory that xtask itself was built in, wherever the user has put it.
        .arg(&paths.target)
        .env(RUSTFLAGS.0, RUSTFLAGS.1)
        .current_dir(&paths.root);
    nice
}

/// The fields of cargo's JSON messages that we use.
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
