// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::artifacts::Profile;
use crate::initramfs::Addition;
use crate::kernel::{self, Series};
use crate::vm::Wanted;

/// Sets up, builds, runs and tests the project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set up everything and show a traced greeting in a virtual machine
    Demo(DemoOptions),
    /// Check everything: format, lints, unit tests, tests in virtual machines
    Test(TestOptions),
    /// Measure the cost of tracing, next to other tools, in a virtual machine
    Bench(BenchOptions),
    /// Start a shell in the virtual machine, or run one command with its output and exit status
    Vm(VmOptions),
    /// Install what building and running need, below target/setup
    Setup {
        /// Kernel series to install [default: 6.12]
        #[arg(long = "kernel", value_name = "SERIES")]
        kernels: Vec<Series>,
    },
    /// Build the tool, and the module for a kernel
    Build {
        /// Kernel series to build the module for [default: 6.12]
        #[arg(long = "kernel", value_name = "SERIES")]
        kernels: Vec<Series>,
    },
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Kernel series of the virtual machine
    #[arg(long, value_name = "SERIES", default_value = kernel::DEFAULT)]
    pub kernel: Series,
    /// Use this machine's own kernel: build the module, ask, load it with sudo, remove it
    #[arg(long, conflicts_with = "kernel")]
    pub host: bool,
    /// With --host, do not ask
    #[arg(long, requires = "host")]
    pub yes: bool,
    /// Write a report of the run to this file, for a browser
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Arguments for `greet-user --trace`
    #[arg(last = true, value_name = "ARGS")]
    pub arguments: Vec<String>,
}

/// Options of `test`.
#[derive(Debug, Args)]
pub struct TestOptions {
    /// Run only what needs no virtual machine
    #[arg(long, conflicts_with = "kernels")]
    pub quick: bool,
    /// Run only the tests whose path contains TEXT, such as `hooks::`; no lints
    #[arg(long, value_name = "TEXT", conflicts_with = "sanitize")]
    pub only: Option<String>,
    /// Run only the hostile suite, ten times longer, on a sanitizer kernel (built once, takes minutes)
    #[arg(long, conflicts_with_all = ["quick", "kernels"])]
    pub sanitize: bool,
    /// Kernel series to test on; repeatable [default: all supported]
    #[arg(long = "kernel", value_name = "SERIES")]
    pub kernels: Vec<Series>,
}

/// Options of `bench`.
#[derive(Debug, Args)]
pub struct BenchOptions {
    /// Kernel series of the virtual machine
    #[arg(long, value_name = "SERIES", default_value = kernel::DEFAULT)]
    pub kernel: Series,
    /// Take about a minute: no other tools, no single stages, short floods, little settling time
    #[arg(long)]
    pub quick: bool,
    /// Leave out bpftrace, strace, tcpdump and perf (otherwise taken from Debian's packages)
    #[arg(long)]
    pub no_peers: bool,
    /// Let the machine settle this long before measuring [default: 20; with --quick, 3]
    #[arg(long, value_name = "SECONDS")]
    pub settle: Option<u64>,
    /// Run only the measurements whose name contains TEXT, and their baselines
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Write the numbers to FILE as JSON [default: target/bench.json]
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Options of `vm`.
#[derive(Debug, Args)]
pub struct VmOptions {
    /// Kernel series
    #[arg(long, value_name = "SERIES", default_value = kernel::DEFAULT)]
    pub kernel: Series,
    /// Run this shell command and pass its output and exit status through
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<String>,
    /// Pass standard input to the command
    #[arg(long, requires = "exec")]
    pub stdin: bool,
    /// Copy a file or directory into the machine, programs with their libraries; repeatable
    ///
    /// Without GUEST, programs go to /usr/bin and everything else to /.
    #[arg(long = "add", value_name = "HOST[:GUEST]")]
    pub additions: Vec<Addition>,
    /// Copy a file out of the machine when the command has ended; repeatable
    #[arg(long = "get", value_name = "GUEST:HOST", requires = "exec")]
    pub files: Vec<Wanted>,
    /// Make the machine's clock count instructions (1 ns each): slow but repeatable
    #[arg(long, conflicts_with = "smp")]
    pub icount: bool,
    /// Processors
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub smp: u32,
    /// Memory in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(256..))]
    pub mem: u32,
    /// Kill the command after this many seconds, with exit status 124
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "exec", value_parser = clap::value_parser!(u64).range(1..))]
    pub deadline: u64,
    /// Use a release build of greet-user: slower to compile, faster to run
    #[arg(long)]
    pub release: bool,
    /// Do not load the greeting module (/lib/greet/NetlinkGreetingsLKM.ko)
    #[arg(long)]
    pub no_module: bool,
    /// Extra words for the kernel's command line
    #[arg(
        long,
        value_name = "WORDS",
        default_value = "",
        hide_default_value = true
    )]
    pub append: String,
}

impl VmOptions {
    /// The profile that greet-user is built with.
    pub fn profile(&self) -> Profile {
        match self.release {
            true => Profile::Release,
            false => Profile::Dev,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
