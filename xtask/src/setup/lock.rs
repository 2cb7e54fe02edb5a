// SPDX-License-Identifier: MIT OR Apache-2.0
//! Allows one set-up at a time, and no eBPF build before the tools are installed.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::progress::say;

/// The lock of a whole set-up.
pub const SET_UP: &str = "lock";
/// Held while the eBPF toolchain is installed; greet-trace's build script waits for it.
pub const TOOLCHAIN: &str = "toolchain.lock";

/// Takes a lock, waiting for any other xtask that holds it. It is released on drop, and by the
/// kernel if the process is killed.
///
/// # Errors
/// Fails if the lock file cannot be created.
pub fn take(folder: &Path, name: &str) -> Result<File> {
    let path = folder.join(name);
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say("      … another `cargo xtask` is setting up; waiting for it");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error).context("locking the set-up"),
    }
    Ok(file)
}
