// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file systems that PID 1 mounts: a table, and one loop over it.

use std::fs;

use anyhow::{Context as _, Result};
use rustix::mount::{MountFlags, mount};

struct Mount {
    kind: &'static str,
    target: &'static str,
    /// A kernel may be built without it; the console then says so.
    optional: bool,
}

const fn needed(kind: &'static str, target: &'static str) -> Mount {
    Mount {
        kind,
        target,
        optional: false,
    }
}

const fn wanted(kind: &'static str, target: &'static str) -> Mount {
    Mount {
        kind,
        target,
        optional: true,
    }
}

/// In mounting order: the later ones lie inside the earlier ones.
const MOUNTS: &[Mount] = &[
    needed("proc", "/proc"),
    needed("sysfs", "/sys"),
    needed("devtmpfs", "/dev"),
    wanted("devpts", "/dev/pts"),
    needed("tmpfs", "/dev/shm"),
    needed("tmpfs", "/tmp"),
    needed("tmpfs", "/run"),
    wanted("cgroup2", "/sys/fs/cgroup"),
    wanted("bpf", "/sys/fs/bpf"),
    wanted("debugfs", "/sys/kernel/debug"),
    wanted("tracefs", "/sys/kernel/tracing"),
];

/// Mounts them all.
///
/// # Errors
/// Names the file system that could not be mounted.
pub fn mount_all() -> Result<()> {
    for Mount {
        kind,
        target,
        optional,
    } in MOUNTS
    {
        // sysfs makes its own mount points, and refuses others.
        let made = fs::create_dir_all(target).map_err(anyhow::Error::from);
        let mounted =
            made.and_then(|()| Ok(mount(*kind, *target, *kind, MountFlags::empty(), None)?));
        match mounted {
            Err(error) if *optional => eprintln!("guest_init: no {kind} on {target}: {error}"),
            other => other.with_context(|| format!("mounting {kind} on {target}"))?,
        }
    }
    Ok(())
}
