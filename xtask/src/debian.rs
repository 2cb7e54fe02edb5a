// SPDX-License-Identifier: MIT OR Apache-2.0
//! Uses Debian's packages without touching the system: a private apt state, and a private root that
//! packages are unpacked into.
//!
//! Kernels, headers, compilers and QEMU come from there. Only files below `target/setup/` are
//! written; no package is installed on the host.

mod apt;
mod mirror;
mod root;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub use self::apt::Apt;
pub use self::root::{ESSENTIAL, Root};

use crate::paths::Paths;
use crate::progress::Step;

/// The private Debian: its package lists and its unpacked root.
pub struct Debian {
    /// Looks up and downloads packages.
    pub apt: Apt,
    /// The root that packages are unpacked into.
    pub root: Root,
    logs: PathBuf,
}

impl Debian {
    /// Opens it, creating it if necessary.
    ///
    /// # Errors
    /// Fails if the host is not Debian-like, or its mirror cannot be reached.
    pub fn open(paths: &Paths) -> Result<Self> {
        let home = paths.setup().join("debian");
        fs::create_dir_all(&home).with_context(|| format!("creating {}", home.display()))?;
        let apt = Apt::open(&home.join("apt"), &paths.logs())?;
        let root = Root::open(&home.join("root"))?;
        Ok(Self {
            apt,
            root,
            logs: paths.logs(),
        })
    }

    /// Ensures that packages and all their dependencies are unpacked in the root.
    ///
    /// # Errors
    /// Fails if a package does not exist or cannot be downloaded.
    pub fn provide(&self, what: &str, packages: &[String]) -> Result<()> {
        let missing: Vec<_> = packages
            .iter()
            .filter(|package| !self.root.has(package))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let step = Step::start(what);
        let archives = self.apt.download(&missing, &self.logs, &step)?;
        let unpacked = self.root.unpack(&archives, &step)?;
        self.root.note(&missing)?;
        step.done(format!(
            "{unpacked} packages unpacked into {}",
            Paths::short(self.root.path())
        ));
        Ok(())
    }

    /// Ensures that one package is unpacked in a directory of its own, without its dependencies.
    ///
    /// # Errors
    /// Same as [`Debian::provide`].
    pub fn provide_apart(&self, what: &str, package: &str, folder: &Path) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let step = Step::start(what);
        let archive = self.apt.download_one(package, &self.logs, &step)?;
        // Renamed last: if the directory exists, it is complete.
        let half = folder.with_extension("part");
        fs::remove_dir_all(&half).or_else(ignore_missing)?;
        fs::create_dir_all(&half)?;
        root::unpack_archive(&archive, &half)?;
        fs::rename(&half, folder)?;
        step.done("");
        Ok(())
    }
}

fn ignore_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}
