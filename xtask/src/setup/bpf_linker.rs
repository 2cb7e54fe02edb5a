// SPDX-License-Identifier: MIT OR Apache-2.0
//! bpf-linker, which turns LLVM bitcode into an eBPF object.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::artifacts;
use crate::exec;
use crate::paths::Paths;
use crate::progress::Step;

/// Links with rustc's own LLVM 22; newer ones want LLVM 23, which no toolchain
/// that builds aya 0.14 has.
const VERSION: &str = "0.10.3";

/// Installs it below `target/setup/`, and returns the folder that it lies in.
///
/// # Errors
/// Where it cannot be downloaded or compiled.
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
            // Its work is LLVM's, which is compiled already: optimising the rest of it takes
            // longer than it ever saves, and the objects are the same to the byte.
            "--debug",
            "--root",
        ])
        .arg(&home)
        .arg("--target-dir")
        .arg(home.join("build"))
        // What cargo sets for xtask itself is not meant for another package.
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
        crate::progress::say(&format!("      … the linker's build files stay: {error}"));
    }
    step.done("");
    Ok(folder)
}

fn is_there(folder: &std::path::Path) -> bool {
    exec::capture(Command::new(folder.join("bpf-linker")).arg("--version"))
        .is_ok_and(|said| said.contains(VERSION))
}
