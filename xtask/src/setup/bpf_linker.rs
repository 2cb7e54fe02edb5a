// SPDX-License-Identifier: MIT OR Apache-2.0
//! bpf-linker, which turns LLVM bitcode into an eBPF object.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::artifacts;
use crate::exec;
use crate::paths::Paths;
use crate::progress::Step;

/// Links with rustc's own LLVM 22; newer versions need LLVM 23, which no toolchain that builds aya
/// 0.14 has.
const VERSION: &str = "0.10.3";

/// Installs it below `target/setup/` and returns its directory.
///
/// # Errors
/// Fails if it cannot be downloaded or compiled.
pub fn provide(paths: &Paths) -> Result<PathBuf> {
    let home = paths.setup().join("bpf-linker");
    let folder = home.join("bin");
    if is_there(&folder) {
        return Ok(folder);
    }
    let step = Step::start(format!("bpf-linker {VERSION}, compiled once"));
    let mut install = Command::new(artifacts::cargo());
    install
        .args([
            "install",
            "bpf-linker",
            "--locked",
            "--force",
            "--version",
            VERSION,
            // LLVM does the work, and is already compiled: optimising the rest takes longer than it
            // ever saves, and the objects are byte-for-byte identical.
            "--debug",
            "--root",
        ])
        .arg(&home)
        .arg("--target-dir")
        .arg(home.join("build"))
        // cargo sets these for xtask itself, not for other packages.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .current_dir(paths.setup());
    exec::logged(&mut install, &paths.logs().join("bpf-linker.log"), &step).context(
        "bpf-linker could not be installed: check that crates.io can be reached, \
         then run `cargo xtask setup` again",
    )?;
    if let Err(error) = std::fs::remove_dir_all(home.join("build")) {
        crate::progress::say(&format!("      … linker build files remain: {error}"));
    }
    step.done("");
    Ok(folder)
}

fn is_there(folder: &std::path::Path) -> bool {
    exec::capture(Command::new(folder.join("bpf-linker")).arg("--version"))
        .is_ok_and(|said| said.contains(VERSION))
}
