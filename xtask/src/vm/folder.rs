// SPDX-License-Identifier: MIT OR Apache-2.0
//! The directory of a running machine; removed after the run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

const PREFIX: &str = "run-";

/// Contains the archive and the console log while the machine runs.
pub struct RunFolder(tempfile::TempDir);

impl RunFolder {
    /// Creates it, and removes those of killed runs.
    ///
    /// # Errors
    /// Fails if it cannot be created.
    pub fn create(parent: &Path) -> Result<Self> {
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        remove_stale(parent)?;
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(parent)?;
        Ok(Self(folder))
    }

    /// The archive that the kernel unpacks.
    pub fn initramfs(&self) -> PathBuf {
        self.0.path().join("initramfs.cpio")
    }

    /// The console output.
    pub fn console(&self) -> PathBuf {
        self.0.path().join("console.log")
    }
}

/// Removes the directories of killed runs, whose process no longer exists.
fn remove_stale(parent: &Path) -> Result<()> {
    for entry in fs::read_dir(parent)?.filter_map(Result::ok) {
        if owner(&entry.file_name().to_string_lossy())
            .is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists())
        {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_dead_runs_are_removed() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let alive = RunFolder::create(parent.path()).expect("a run's folder");
        // No process has this PID: the kernel's limit is 2^22.
        let dead = parent.path().join(format!("{PREFIX}4294967295-x"));
        let other = parent.path().join("something-else");
        fs::create_dir(&dead).expect("a folder");
        fs::create_dir(&other).expect("a folder");
        let second = RunFolder::create(parent.path()).expect("a second run's folder");
        assert!(!dead.exists());
        assert!(other.exists() && alive.0.path().exists() && second.0.path().exists());
    }
}
