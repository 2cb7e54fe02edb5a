// SPDX-License-Identifier: MIT OR Apache-2.0
//! The other tools, from Debian's packages: unpacked below `target/setup` and copied into the
//! virtual machine with their libraries. If one is unavailable, that is reported as a reason, not
//! as an error.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::debian::Debian;
use crate::initramfs::{self, Archive};

/// A tool that shows netlink messages, or the system calls that carry them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Scripts compiled to eBPF.
    Bpftrace,
    /// System calls, by stopping the process at each one.
    Strace,
    /// Packets on an interface.
    Tcpdump,
    /// System calls, through tracepoints.
    Perf,
}

/// Why a tool is not in the machine.
pub type Missing = BTreeMap<Tool, String>;

impl Tool {
    const ALL: [Self; 4] = [Self::Bpftrace, Self::Strace, Self::Tcpdump, Self::Perf];

    fn package(self) -> &'static str {
        match self {
            Self::Bpftrace => "bpftrace",
            Self::Strace => "strace",
            Self::Tcpdump => "tcpdump",
            Self::Perf => "linux-perf",
        }
    }

    fn program(self) -> &'static Path {
        Path::new(match self {
            Self::Bpftrace => "/usr/bin/bpftrace",
            Self::Strace => "/usr/bin/strace",
            Self::Tcpdump => "/usr/bin/tcpdump",
            Self::Perf => "/usr/bin/perf",
        })
    }
}

/// Adds every available tool to the archive; returns the others, each with the reason.
pub fn add(debian: &Debian, archive: &mut Archive) -> Missing {
    let missing = |tool: Tool| Some((tool, format!("{:#}", add_one(debian, archive, tool).err()?)));
    Tool::ALL.into_iter().filter_map(missing).collect()
}

/// All tools, marked as skipped.
pub fn none() -> Missing {
    let left_out = |tool| (tool, "left out (--no-peers)".to_owned());
    Tool::ALL.into_iter().map(left_out).collect()
}

fn add_one(debian: &Debian, archive: &mut Archive, tool: Tool) -> Result<()> {
    let package = tool.package();
    debian
        .provide(
            &format!("{package} from Debian, to compare with"),
            &[package.to_owned()],
        )
        .with_context(|| format!("the package {package} is not available"))?;
    initramfs::add_program_of_root(archive, &debian.root, tool.program())
}
