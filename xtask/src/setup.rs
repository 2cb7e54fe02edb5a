// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask setup`: finds or installs each thing that building and running need.
//!
//! Nothing is done twice, and everything is put below `target/setup/`. The one
//! exception, `rustup component add rust-src`, is announced before it is tried.

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
    let more = |_: &Debian, _: &[Kernel]| Ok(());
    set_up_beside(paths, series, more, || Ok(())).map(|((tools, ()), ())| tools)
}

/// The same, with something more that needs the packages alone, and with a build that goes on at the
/// same time: greet-user's build script waits for the tools that it needs by itself.
///
/// # Errors
/// As [`set_up`], and those of the two.
pub fn set_up_beside<M, B: Send>(
    paths: &Paths,
    series: &[Series],
    more: impl FnOnce(&Debian, &[Kernel]) -> Result<M>,
    build: impl FnOnce() -> Result<B> + Send,
) -> Result<((Tools, M), B)> {
    check_machine()?;
    fs::create_dir_all(paths.setup())?;
    let _lock = lock::take(&paths.setup(), lock::SET_UP)?;
    // First, because it tells within seconds whether the mirror can be reached.
    let debian = Debian::open(paths)?;
    // Before the build begins, which would find no tools and no one who provides them.
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
        // Without the tools the build has failed as well, and says less.
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

/// What compiles eBPF programs; greet-user's build script reads where it lies.
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

/// The eBPF object, while what greet-user depends on is still being compiled: its build script
/// then finds it done.
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
