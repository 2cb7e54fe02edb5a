// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask build`: the tool for this machine, and the module for a kernel.

use std::process::Command;

use anyhow::Result;

use crate::kernel::Series;
use crate::paths::Paths;
use crate::progress::{Step, say};
use crate::{artifacts, exec, kmod, setup};

/// Sets up whatever is missing, then builds.
///
/// # Errors
/// Fails if set-up or a build fails.
pub fn run(paths: &Paths, kernels: &[Series]) -> Result<u8> {
    let tools = setup::set_up(paths, &setup::or_default(kernels))?;
    let step = Step::start("greet-user for this machine");
    let mut cargo = Command::new(artifacts::cargo());
    cargo.args(["build", "--release", "--locked", "--package", "greet-user"]);
    cargo.current_dir(&paths.root);
    exec::logged(
        &mut cargo,
        &paths.logs().join("cargo-build-host.log"),
        &step,
    )?;
    step.done(Paths::short(&paths.target.join("release/greet-user")));
    for kernel in &tools.kernels {
        let module = kmod::build(paths, &tools.debian, kernel, &[])?;
        say(&format!(
            "     ok module for {}: {}",
            kernel.release,
            Paths::short(&module)
        ));
    }
    Ok(0)
}
