// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounts what [`xtask::mounts`] lists.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::mount::{MountFlags, mount};
use xtask::mounts::{MOUNTS, Mount};

/// Anyone may write, nobody may remove another's file: a tmpfs has it by itself.
const SHARED: u32 = 0o1777;

/// Mounts them all.
///
/// # Errors
/// Names the file system that could not be mounted.
pub fn mount_all() -> Result<()> {
    for each in MOUNTS {
        let Mount {
            kind,
            target,
            optional,
        } = *each;
        // sysfs makes its own mount points, and refuses others.
        let made = fs::create_dir_all(target).map_err(anyhow::Error::from);
        let mounted = made.and_then(|()| {
            if each.gives_way() && holds_something(Path::new(target))? {
                return Ok(fs::set_permissions(target, Permissions::from_mode(SHARED))?);
            }
            Ok(mount(kind, target, kind, MountFlags::empty(), None)?)
        });
        match mounted {
            Err(error) if optional => eprintln!("guest_init: no {kind} on {target}: {error}"),
            other => other.with_context(|| format!("mounting {kind} on {target}"))?,
        }
    }
    Ok(())
}

/// Files were put there, by `cargo xtask vm --add`.
fn holds_something(folder: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(folder)?.next().is_some())
}
