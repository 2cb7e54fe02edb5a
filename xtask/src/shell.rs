// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask vm`: a shell in the machine, or a single command.

use std::io;
use std::time::Duration;

use anyhow::{Context as _, Result};
use xtask::frame::Run;

use crate::artifacts::{self, Features, Profile};
use crate::cli::VmOptions;
use crate::debian::Debian;
use crate::initramfs::{self, Archive};
use crate::kernel::{Kernel, Series};
use crate::kmod;
use crate::paths::Paths;
use crate::setup::{self, Tools};
use crate::vm::{self, Fetch, Limits, RawTerminal, Sinks, Vm};

/// The parts of a machine, ready to boot: tools, kernel and root file system.
pub struct Ready {
    /// The result of set-up.
    pub tools: Tools,
    /// The root file system.
    pub archive: Archive,
}

/// Sets up, builds, and composes the root file system for a kernel.
///
/// # Errors
/// Fails if any of these steps fails.
pub fn make_ready(
    paths: &Paths,
    series: &Series,
    profile: Profile,
    features: Features,
) -> Result<Ready> {
    let module = |debian: &Debian, kernels: &[Kernel]| {
        let kernel = kernels.first().context("set-up made no kernel ready")?;
        kmod::build(paths, debian, kernel, &[])
    };
    let series = std::slice::from_ref(series);
    let build = || artifacts::programs(paths, profile, features);
    let ((tools, module), programs) = setup::set_up_beside(paths, series, module, build)?;
    let programs = programs.stripped(paths, &tools.debian)?;
    let archive = initramfs::base(&tools.debian, &tools.kernels[0], &module, &programs)?;
    Ok(Ready { tools, archive })
}

/// Boots and runs; returns the command's exit status.
///
/// # Errors
/// Fails if the machine cannot be prepared, or fails.
pub fn run(paths: &Paths, options: &VmOptions) -> Result<u8> {
    let mut files = Fetch::of(&options.files)?;
    let Ready { tools, mut archive } =
        make_ready(paths, &options.kernel, options.profile(), Features::All)?;
    for addition in &options.additions {
        addition.add_to(&mut archive)?;
    }
    let limits = Limits {
        smp: options.smp,
        memory_mib: options.mem,
        icount: options.icount,
        deadline: options
            .exec
            .as_ref()
            .map(|_| Duration::from_secs(options.deadline)),
        append: options.append.clone(),
    };
    let run = Run {
        command: options.exec.clone(),
        stdin: options.stdin,
        load_module: !options.no_module,
        size: vm::terminal_size(),
        fetch: Vec::new(),
    };
    let machine = Vm::new(paths, &tools.debian, &tools.kernels[0], limits);
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let sinks = Sinks {
        out: &mut out,
        err: &mut err,
        files: &mut files,
    };
    let outcome = if options.exec.is_some() {
        machine.run(
            &archive,
            &run,
            sinks,
            options.stdin.then_some(&|channel| vm::feed_stdin(channel)),
        )?
    } else {
        let _raw = RawTerminal::enter()?;
        machine.run(
            &archive,
            &run,
            sinks,
            Some(&|channel| vm::follow_keyboard(channel)),
        )?
    };
    files.finish(outcome.status())
}
