// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where things are: the source tree, and everything below `target/`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The places that xtask reads and writes.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The workspace's root.
    pub root: PathBuf,
    /// Cargo's target directory, wherever the user has put it.
    pub target: PathBuf,
}

impl Paths {
    /// Finds both: the root was compiled in, the target directory holds this very program.
    ///
    /// # Errors
    /// Where the program is not where Cargo builds it.
    pub fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .parent()
            .context("xtask lies in the workspace's root")?
            .to_path_buf();
        let program = std::env::current_exe().context("finding xtask's own program")?;
        let target = program
            .parent()
            .and_then(Path::parent)
            .context("xtask must be run by `cargo xtask`")?
            .to_path_buf();
        Ok(Self { root, target })
    }

    /// What set-up installs and downloads.
    pub fn setup(&self) -> PathBuf {
        self.target.join("setup")
    }

    /// What the long commands printed, a file for each.
    pub fn logs(&self) -> PathBuf {
        self.target.join("logs")
    }

    /// Modules, archives and running machines.
    pub fn vm(&self) -> PathBuf {
        self.target.join("vm")
    }

    /// The path as a person would type it: relative to where they are, if it lies below.
    pub fn short(path: &Path) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        path.strip_prefix(&here)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}
