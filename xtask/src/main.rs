// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask`: sets up, builds, runs and tests the project.
//!
//! Everything that it downloads or builds is stored below `target/`.

mod artifacts;
mod bench;
mod build;
mod cli;
mod debian;
mod debug_kernel;
mod demo;
#[path = "../../greet-user/trace/build/ebpf.rs"]
mod ebpf;
mod exec;
mod initramfs;
mod kernel;
mod kmod;
mod paths;
mod progress;
mod qemu;
mod setup;
mod shell;
mod test;
mod vm;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::paths::Paths;
use crate::vm::VmFailure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(
                error
                    .downcast_ref::<VmFailure>()
                    .map_or(1, VmFailure::status),
            )
        }
    }
}

fn run(cli: Cli) -> Result<u8> {
    let paths = Paths::find()?;
    match cli.command {
        Command::Setup { kernels } => setup::run(&paths, &kernels),
        Command::Build { kernels } => build::run(&paths, &kernels),
        Command::Demo(options) => demo::run(&paths, &options),
        Command::Test(options) => test::run(&paths, &options),
        Command::Bench(options) => bench::run(&paths, &options),
        Command::Vm(options) => shell::run(&paths, &options),
    }
}
