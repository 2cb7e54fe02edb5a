// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file systems that the machine's PID 1 mounts, and thus the places where a mount would hide a
//! file of the archive.

use std::path::Path;

/// A file system and its mount point.
#[derive(Debug)]
pub struct Mount {
    /// Its type, as for `mount -t`.
    pub kind: &'static str,
    /// The mount point.
    pub target: &'static str,
    /// The kernel may lack it; the console then reports that.
    pub optional: bool,
}

impl Mount {
    /// Whether it is skipped if the archive has files at its mount point: the archive is in memory,
    /// just like a tmpfs.
    pub fn gives_way(&self) -> bool {
        self.kind == "tmpfs"
    }
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

/// In mount order: later ones may be inside earlier ones.
pub const MOUNTS: &[Mount] = &[
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

/// The mount that would hide a file at `path`.
pub fn hiding(path: &Path) -> Option<&'static Mount> {
    MOUNTS
        .iter()
        .find(|mount| !mount.gives_way() && path.starts_with(mount.target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_tmpfs_would_cover_stays_visible() {
        let hidden = |path| hiding(Path::new(path)).map(|mount| mount.kind);
        assert_eq!(hidden("/tmp/data/x"), None);
        assert_eq!(hidden("/run/x"), None);
        assert_eq!(hidden("/device"), None);
        assert_eq!(hidden("/dev/x"), Some("devtmpfs"));
        assert_eq!(hidden("/dev/shm/x"), Some("devtmpfs"));
        assert_eq!(hidden("/sys/fs/bpf/x"), Some("sysfs"));
        assert_eq!(hidden("/proc/self/x"), Some("proc"));
    }
}
