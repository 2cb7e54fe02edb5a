// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask setup`: finds or installs each thing that building and running need.
//!
//! Nothing is done twice, and everything is put below `target/setup/`. The one
//! exception, `rustup component add rust-src`, is announced before it is tried.

mod bpf_linker;
pub mod lock;
mod rust_src;

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::debian::{Debian, ESSENTIAL};
use crate::kernel::{Kernel, Series};
use crate::paths::Paths;
use crate::progress::say;
use crate::qemu;

/// What set-up found or made.
pub struct Tools {
    /// Packages, and the root they are unpacked in.
    pub debian: Debian,
    /// The kernels that were asked for, in that order.
    pub kernels: Vec<Kernel>,
}

/// `cargo xtask setup`.
///
/// # Errors
/// As [`set_up`].
pub fn run(paths: &Paths, kernels: &[Series]) -> Result<u8> {
    let tools = set_up(paths, &or_default(kernels))?;
    let kernels: Vec<_> = tools
        .kernels
        .iter()
        .map(|kernel| kernel.release.as_str())
        .collect();
    say(&format!("     ok set up: kernel {}", kernels.join(", ")));
    Ok(0)
}

/// The kernels that were asked for, or the one that is taken where none was.
pub fn or_default(kernels: &[Series]) -> Vec<Series> {
    if kernels.is_empty() {
        vec![Series::default()]
    } else {
        kernels.to_vec()
    }
}

/// Sees to it that everything for these kernels is there.
///
/// # Errors
/// Names what is missing and the command that helps.
pub fn set_up(paths: &Paths, series: &[Series]) -> Result<Tools> {
    check_machine()?;
    fs::create_dir_all(paths.setup())?;
    let _lock = lock::take(&paths.setup())?;

    // First, because it tells within seconds whether the mirror can be reached.
    let debian = Debian::open(paths)?;
    // The linker is compiled while packages are downloaded: the two longest steps.
    std::thread::scope(|scope| {
        let linker = scope.spawn(|| bpf_linker::provide(paths));
        let tools = provide_packages(paths, debian, series);
        let linker = linker
            .join()
            .unwrap_or_else(|_| bail!("installing bpf-linker panicked"))?;
        let (tools, library) = tools?;
        write_toolchain(paths, &linker, library.as_deref())?;
        Ok(tools)
    })
}

fn provide_packages(
    paths: &Paths,
    debian: Debian,
    series: &[Series],
) -> Result<(Tools, Option<PathBuf>)> {
    let mut basics: Vec<String> = ESSENTIAL.iter().map(|&name| name.to_owned()).collect();
    basics.extend(["busybox-static", "make", "dwarves", "kmod"].map(str::to_owned));
    if !qemu::on_machine() {
        basics.extend(qemu::PACKAGES.iter().map(|&name| name.to_owned()));
    }
    debian.provide("compilers, busybox and QEMU from Debian", &basics)?;
    debian.root.check_enter()?;
    let kernels = series
        .iter()
        .map(|series| Kernel::provide(&debian, paths, series))
        .collect::<Result<Vec<_>>>()?;
    let library = rust_src::provide(paths, &debian)?;
    Ok((Tools { debian, kernels }, library))
}

fn check_machine() -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("this runs on Linux on x86-64 only: the virtual machine's kernels are built for it");
    }
    Ok(())
}

/// Tells greet-user's build script where things are.
fn write_toolchain(
    paths: &Paths,
    linker: &std::path::Path,
    library: Option<&std::path::Path>,
) -> Result<()> {
    let mut text = format!("BPF_LINKER_DIR={}\n", linker.display());
    if let Some(library) = library {
        text += &format!("RUST_SRC_LIBRARY={}\n", library.display());
    }
    let file = paths.setup().join("toolchain.env");
    // The build script runs again when this file changes: leave it alone where it has not.
    if fs::read_to_string(&file).ok().as_deref() != Some(&text) {
        fs::write(file, text)?;
    }
    Ok(())
}
