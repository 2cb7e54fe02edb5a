// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask setup`: finds or installs everything needed for building and running.
//!
//! Nothing is done twice, and everything is stored below `target/setup/`. The only exception,
//! `rustup component add rust-src`, is announced before it runs.

mod bpf_linker;
pub mod lock;
mod rust_src;

use std::{env, fs, thread};

use anyhow::{Result, anyhow, bail};

use crate::debian::{Debian, ESSENTIAL};
use crate::ebpf;
use crate::kernel::{Kernel, Series};
use crate::paths::Paths;
use crate::progress::{Step, say};
use crate::qemu;

/// What set-up found or installed.
pub struct Tools {
    /// Packages, and the root they are unpacked into.
    pub debian: Debian,
    /// The requested kernels, in that order.
    pub kernels: Vec<Kernel>,
}

/// `cargo xtask setup`.
///
/// # Errors
/// Same as [`set_up`].
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

/// The requested kernels, or the default one if there were none.
pub fn or_default(kernels: &[Series]) -> Vec<Series> {
    if kernels.is_empty() {
        vec![Series::default()]
    } else {
        kernels.to_vec()
    }
}

/// Ensures that everything for these kernels is available.
///
/// # Errors
/// The error names what is missing and the command to fix it.
pub fn set_up(paths: &Paths, series: &[Series]) -> Result<Tools> {
    let more = |_: &Debian, _: &[Kernel]| Ok(());
    set_up_beside(paths, series, more, || Ok(())).map(|((tools, ()), ())| tools)
}

/// The same, plus another step that needs only the packages, and a build that runs concurrently:
/// greet-trace's build script waits by itself for the tools that it needs.
///
/// # Errors
/// Same as [`set_up`], plus the errors of both closures.
pub fn set_up_beside<M, B: Send>(
    paths: &Paths,
    series: &[Series],
    more: impl FnOnce(&Debian, &[Kernel]) -> Result<M>,
    build: impl FnOnce() -> Result<B> + Send,
) -> Result<((Tools, M), B)> {
    check_machine()?;
    fs::create_dir_all(paths.setup())?;
    let _lock = lock::take(&paths.setup(), lock::SET_UP)?;
    // First, because it shows within seconds whether the mirror can be reached.
    let debian = Debian::open(paths)?;
    // Before the build starts: otherwise it would find no tools and no lock to wait for.
    let toolchain = lock::take(&paths.setup(), lock::TOOLCHAIN)?;
    let ((kernels, more), built) = thread::scope(|scope| {
        let toolchain = scope.spawn(|| {
            let lock = toolchain;
            let tools = provide_toolchain(paths, &debian)?;
            drop(lock);
            build_ebpf(paths, &tools)
        });
        let built = scope.spawn(build);
        let packages = provide_packages(paths, &debian, series)
            .and_then(|kernels| more(&debian, &kernels).map(|more| (kernels, more)));
        // Without the tools the build has failed too, with a less helpful error.
        join(toolchain, "setting up the eBPF tool chain")?;
        let built = join(built, "building")?;
        anyhow::Ok((packages?, built))
    })?;
    Ok(((Tools { debian, kernels }, more), built))
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>, what: &str) -> Result<T> {
    let joined = thread.join();
    joined.unwrap_or_else(|_| bail!("{what} panicked"))
}

/// Provides the eBPF toolchain; greet-trace's build script reads its location.
fn provide_toolchain(paths: &Paths, debian: &Debian) -> Result<ebpf::Tools> {
    let library = rust_src::provide(paths, debian)?;
    let linker = bpf_linker::provide(paths)?;
    write_toolchain(paths, &linker, library.as_deref())?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = [linker].into_iter().chain(env::split_paths(&path));
    Ok(ebpf::Tools {
        path: env::join_paths(path)?,
        library,
    })
}

/// Builds the eBPF object while greet-user's dependencies are still being compiled, so that its
/// build script finds it up to date.
fn build_ebpf(paths: &Paths, tools: &ebpf::Tools) -> Result<()> {
    let step = Step::start("the eBPF programs");
    let built = ebpf::build(&paths.root, &paths.target, tools, env::consts::ARCH);
    built.map_err(|error| anyhow!("{error}"))?;
    step.done("");
    Ok(())
}

fn provide_packages(paths: &Paths, debian: &Debian, series: &[Series]) -> Result<Vec<Kernel>> {
    let mut basics: Vec<String> = ESSENTIAL.iter().map(|&name| name.to_owned()).collect();
    basics.extend(["busybox-static", "make", "dwarves", "kmod"].map(str::to_owned));
    if !qemu::on_machine() {
        basics.extend(qemu::PACKAGES.iter().map(|&name| name.to_owned()));
    }
    debian.provide("compilers, busybox and QEMU from Debian", &basics)?;
    debian.root.check_enter()?;
    series
        .iter()
        .map(|series| Kernel::provide(debian, paths, series))
        .collect()
}

fn check_machine() -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("this runs on Linux on x86-64 only: the virtual machine's kernels are built for it");
    }
    Ok(())
}

/// Records the locations for greet-trace's build script.
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
    // A change to this file reruns the build script, so do not touch it unnecessarily.
    if fs::read_to_string(&file).ok().as_deref() != Some(&text) {
        fs::write(file, text)?;
    }
    Ok(())
}
