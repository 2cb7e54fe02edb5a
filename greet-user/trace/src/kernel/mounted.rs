// SPDX-License-Identifier: MIT OR Apache-2.0
//! Determines whether a file of `/proc` or `/sys` is missing because the kernel does not have it,
//! or because no kernel file system is mounted there. In a chroot or a container, both look the
//! same.

use std::path::Path;

use rustix::fs::{PROC_SUPER_MAGIC, statfs};

use super::TracerError;

/// The file that shows that the kernel has kprobes.
pub const KPROBES: &str = "/sys/bus/event_source/devices/kprobe/type";

/// `SYSFS_MAGIC` (include/uapi/linux/magic.h).
const SYSFS_MAGIC: u64 = 0x6265_6572;

/// Whether a file system other than procfs covers this path.
#[must_use]
pub fn proc_hides(path: &str) -> bool {
    hides(Path::new(path), PROC_SUPER_MAGIC as u64)
}

/// Whether a file system other than sysfs covers this path.
#[must_use]
pub fn sys_hides(path: &str) -> bool {
    hides(Path::new(path), SYSFS_MAGIC)
}

/// What to do if nothing is mounted there.
#[must_use]
pub fn how_to_mount(mount_point: &str) -> &'static str {
    match mount_point {
        "/sys" => "try `mount -t sysfs sysfs /sys`, or run it on the host",
        _ => "try `mount -t proc proc /proc`, or run it on the host",
    }
}

/// Fails if procfs is not visible at the path of a required file below `/proc`.
pub(crate) fn require_proc(path: &'static str) -> Result<(), TracerError> {
    require(proc_hides(path), "/proc", path)
}

/// The same below `/sys`.
pub(crate) fn require_sys(path: &'static str) -> Result<(), TracerError> {
    require(sys_hides(path), "/sys", path)
}

fn require(
    is_hidden: bool,
    mount_point: &'static str,
    path: &'static str,
) -> Result<(), TracerError> {
    if is_hidden {
        Err(TracerError::NotMounted { mount_point, path })
    } else {
        Ok(())
    }
}

/// The file itself may be covered (by `/dev/null`, say), or a directory above it; the nearest path
/// that exists decides.
fn hides(path: &Path, magic: u64) -> bool {
    let found = path.ancestors().find_map(|path| statfs(path).ok());
    found.is_none_or(|found| found.f_type as u64 != magic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_that_exists_tells() {
        assert!(!proc_hides("/proc/self/status"));
        assert!(!proc_hides("/proc/no/such/file"));
        assert!(!sys_hides("/sys/kernel/no_such_file"));
        assert!(proc_hides("/dev/null"));
        assert!(hides(Path::new("/no_such/file"), SYSFS_MAGIC));
    }
}
