// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's iproute2 for the machine: `ip`, `ss` and `genl` as people have them, where
//! busybox has a small `ip` alone.
//!
//! With their libraries they weigh several MiB, so only the tests' machines have them.

use std::path::Path;

use anyhow::{Result, bail};

use super::add::library_path;
use super::{Archive, resolve_merged};
use crate::debian::Debian;

/// The package that they come from.
const PACKAGE: &str = "iproute2";
/// In the private root, and in the machine: there instead of busybox's.
const PROGRAMS: &[&str] = &["/usr/bin/ip", "/usr/bin/ss", "/usr/sbin/genl"];

/// Sees to it that the package and what it needs lie in the private root.
///
/// # Errors
/// As [`Debian::provide`].
pub fn provide(debian: &Debian) -> Result<()> {
    debian.provide("ip and ss from Debian", &[PACKAGE.to_owned()])
}

/// Puts the programs and their libraries into the archive.
///
/// # Errors
/// Where one of them is not in the private root.
pub fn add(archive: &mut Archive, debian: &Debian) -> Result<()> {
    let root = debian.root.path();
    for program in PROGRAMS {
        archive.copy(&debian.root.join(program), Path::new(program))?;
        let libraries = debian.root.ldd(program)?;
        for line in libraries.lines() {
            let Ok(found) = library_path(line) else {
                bail!(
                    "{program} of {PACKAGE}: {} in the private root",
                    line.trim()
                )
            };
            // What is not of the root is the kernel's own vdso.
            if let Some(library) = found.filter(|path| path.starts_with(root)) {
                let inside = Path::new("/").join(library.strip_prefix(root)?);
                archive.copy(library, &resolve_merged(&inside))?;
            }
        }
    }
    Ok(())
}
