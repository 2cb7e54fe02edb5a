// SPDX-License-Identifier: MIT OR Apache-2.0
//! May a task of the kernel lose its CPU in the midst of an eBPF program?
//!
//! The kernel shows how it is set in `sched/preempt` of its debugging file system
//! (kernel/sched/debug.c), which may not be mounted. So it is mounted nowhere: the file
//! system lives as long as our descriptor of it.

use std::{fs::File, io::Read as _};

use rustix::{
    fs::{Mode, OFlags, openat},
    io::Result,
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
    system::uname,
};

/// Whether it may. Where the kernel does not show it, its version tells whether it was
/// built so that it can.
pub(super) fn is_preemptible() -> bool {
    match setting() {
        Ok(setting) => is_on(&setting),
        Err(error) => {
            log::info!("whether the kernel preempts itself cannot be read: {error}");
            uname().version().to_string_lossy().contains("PREEMPT")
        }
    }
}

/// E.g. `none (voluntary) full`.
fn setting() -> Result<String> {
    let context = fsopen("debugfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    let root = fsmount(&context, flags, MountAttrFlags::MOUNT_ATTR_RDONLY)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(&root, "sched/preempt", flags, Mode::empty())?;
    let mut setting = String::new();
    let read = File::from(file).read_to_string(&mut setting);
    read.map_err(|error| {
        rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::INVAL)
    })?;
    Ok(setting)
}

/// The setting in force is the one in brackets.
fn is_on(setting: &str) -> bool {
    !(setting.contains("(none)") || setting.contains("(voluntary)"))
}

#[cfg(test)]
mod tests {
    use super::is_on;

    #[test]
    fn the_setting_in_brackets_counts() {
        assert!(!is_on("none (voluntary) full\n"));
        assert!(!is_on("(none) voluntary full lazy\n"));
        assert!(is_on("none voluntary (full)\n"));
        assert!(is_on("full (lazy)\n"));
        assert!(is_on("something new\n"));
    }
}
