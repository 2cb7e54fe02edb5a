// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads files of kernel file systems (debugfs, securityfs) that may not be mounted, without
//! mounting them anywhere: a file system lives as long as our descriptor for it.

use std::{fs::File, io::Read as _};

use rustix::{
    fs::{Mode, OFlags, openat},
    io::{Errno, Result},
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
};

/// Reads a file of a file system.
///
/// # Errors
/// The kernel's error; EPERM without CAP_SYS_ADMIN.
pub fn read(file_system: &str, path: &str) -> Result<String> {
    let context = fsopen(file_system, FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    let root = fsmount(&context, flags, MountAttrFlags::MOUNT_ATTR_RDONLY)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(&root, path, flags, Mode::empty())?;
    let mut text = String::new();
    let read = File::from(file).read_to_string(&mut text);
    read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::INVAL))?;
    Ok(text)
}
