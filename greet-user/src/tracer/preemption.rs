// SPDX-License-Identifier: MIT OR Apache-2.0
//! May a task of the kernel lose its CPU in the midst of an eBPF program?
//!
//! The kernel shows how it is set in `sched/preempt` of its debugging file system
//! (kernel/sched/debug.c).

use rustix::{io::Result, system::uname};

use super::unmounted;

/// Whether it may. Where the kernel does not show it, its version tells whether it was
/// built so that it can.
pub fn is_preemptible() -> bool {
    match setting() {
        Ok(setting) => is_on(&setting),
        Err(error) => {
            log::info!("whether the kernel preempts itself cannot be read: {error}");
            uname().version().to_string_lossy().contains("PREEMPT")
        }
    }
}

/// E.g. `none (voluntary) full`.
///
/// # Errors
/// What the kernel said.
pub fn setting() -> Result<String> {
    unmounted::read("debugfs", "sched/preempt")
}

/// The setting in force is the one in brackets.
fn is_on(setting: &str) -> bool {
    !(setting.contains("(none)") || setting.contains("(voluntary)"))
}

#[cfg(test)]
mod tests {
    use super::is_on;

    #[test]
    fn the_setting_in_brackets_counts() {
        assert!(!is_on("none (voluntary) full\n"));
        assert!(!is_on("(none) voluntary full lazy\n"));
        assert!(is_on("none voluntary (full)\n"));
        assert!(is_on("full (lazy)\n"));
        assert!(is_on("something new\n"));
    }
}
