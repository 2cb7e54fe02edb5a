// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's iproute2 for the machine: `ip`, `ss` and `genl` as users have them; busybox has only a
//! small `ip`.
//!
//! With their libraries they take several MiB, so only the tests' machines include them.

use std::path::Path;

use anyhow::{Result, bail};

use super::add::library_path;
use super::{Archive, resolve_merged};
use crate::debian::Debian;

/// The package that contains them.
const PACKAGE: &str = "iproute2";
/// Their paths in the private root and in the machine, where they replace busybox's.
const PROGRAMS: &[&str] = &["/usr/bin/ip", "/usr/bin/ss", "/usr/sbin/genl"];

/// Ensures that the package and its dependencies are unpacked in the private root.
///
/// # Errors
/// Same as [`Debian::provide`].
pub fn provide(debian: &Debian) -> Result<()> {
    debian.provide("ip and ss from Debian", &[PACKAGE.to_owned()])
}

/// Adds the programs and their libraries to the archive.
///
/// # Errors
/// Fails if one of them is not in the private root.
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
            // The only library outside the root is the kernel's vDSO.
            if let Some(library) = found.filter(|path| path.starts_with(root)) {
                let inside = Path::new("/").join(library.strip_prefix(root)?);
                archive.copy(library, &resolve_merged(&inside))?;
            }
        }
    }
    Ok(())
}
