// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiles `greet-ebpf`: for greet-trace's build script, and for `cargo xtask`, which starts as
//! soon as bpf-linker is there, while greet-trace's own dependencies are still being compiled.
//!
//! Not `aya-build`: that keeps a target directory of its own in each `OUT_DIR`, so it
//! builds `core` anew for every profile and target, and it prints each line of cargo's
//! as a warning. This builds once into `<target>/ebpf`, says nothing when all is well, and
//! everything when it is not.

use std::{
    env,
    error::Error,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "bpfel-unknown-none";

/// What a BPF build needs beyond cargo.
pub struct Tools {
    /// The search path, bpf-linker's directory included.
    pub path: OsString,
    /// The standard library's source, where it is not the tool chain's own.
    pub library: Option<PathBuf>,
}

/// Builds, and returns the object's path. `target_dir` is cargo's own, `arch` the architecture
/// whose registers the kernel's functions are called with.
///
/// # Errors
/// All that cargo said, where it fails.
pub fn build(
    workspace: &Path,
    target_dir: &Path,
    tools: &Tools,
    arch: &str,
) -> Result<PathBuf, Box<dyn Error + Send + Sync>> {
    let target_dir = target_dir.join("ebpf");
    let flags = [
        &format!("--cfg=bpf_target_arch=\"{arch}\""),
        // Of each crate, `core` too: the verifier refuses a program (EINVAL, "number of funcs in
        // func_info doesn't match") in which a function that was not inlined has no BTF.
        "-Cdebuginfo=2",
        "-Clink-arg=--btf",
    ];
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--locked", "--package", "greet-ebpf", "--release"])
        .args(["--target", TARGET, "-Z", "build-std=core", "--target-dir"])
        .arg(&target_dir)
        .current_dir(workspace)
        .env("PATH", &tools.path)
        // `-Z build-std` on a stable compiler.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    // What cargo and clippy set for a build script is not meant for the other target, and who
    // runs this must make no difference: aya's build scripts run again where HOST has changed.
    for name in [
        "HOST",
        "TARGET",
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTFLAGS",
    ] {
        cargo.env_remove(name);
    }
    if let Some(library) = &tools.library {
        cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
    }
    let output = cargo.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("building greet-ebpf failed ({})\n{said}", output.status).into());
    }
    Ok(target_dir.join(TARGET).join("release/greet-ebpf"))
}
