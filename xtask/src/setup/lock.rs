// SPDX-License-Identifier: MIT OR Apache-2.0
//! One set-up at a time, and nobody compiles eBPF programs before the tools are there.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::progress::say;

/// The lock of a whole set-up.
pub const SET_UP: &str = "lock";
/// Held while the eBPF tool chain is provided; greet-user's build script waits for it.
pub const TOOLCHAIN: &str = "toolchain.lock";

/// Takes a lock, and waits for another xtask that has it. It is released on drop,
/// and by the kernel if the program is killed.
///
/// # Errors
/// Where the lock file cannot be made.
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
