// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of the kernel's own file systems (debugfs, securityfs), which may not be mounted.
//! They are mounted nowhere for it: a file system lives as long as our descriptor of it.

use std::{fs::File, io::Read as _};

use rustix::{
    fs::{Mode, OFlags, openat},
    io::{Errno, Result},
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
};

/// What is in a file of a file system.
///
/// # Errors
/// What the kernel said; EPERM without CAP_SYS_ADMIN.
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
