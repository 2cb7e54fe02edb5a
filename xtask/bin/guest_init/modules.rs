// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel modules: those that the channel needs, and the greeting module.

use std::fs::{self, File};

use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::system::finit_module;

/// Paths of modules, one a line in loading order, written by xtask.
const CHANNEL_MODULES: &str = "/lib/greet/channel-modules";
const GREETING: &str = "/lib/greet/NetlinkGreetingsLKM.ko";

/// Loads what the virtio channel needs where the kernel does not have it built in.
///
/// # Errors
/// Names the module that the kernel refused.
pub fn load_for_channel() -> Result<()> {
    let list = fs::read_to_string(CHANNEL_MODULES)
        .with_context(|| format!("reading {CHANNEL_MODULES}"))?;
    list.lines().try_for_each(load)
}

/// Loads the greeting module.
///
/// # Errors
/// Says why the kernel refused it.
pub fn load_greeting() -> Result<()> {
    load(GREETING)
}

fn load(path: &str) -> Result<()> {
    let file = File::open(path).with_context(|| format!("opening {path}"))?;
    match finit_module(&file, c"", 0) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("loading {path}")),
    }
}
