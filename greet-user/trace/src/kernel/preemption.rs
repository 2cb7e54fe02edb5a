// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a kernel task may be preempted in the middle of an eBPF program.
//!
//! The kernel shows the current setting in `sched/preempt` in debugfs (kernel/sched/debug.c).

use rustix::{io::Result, system::uname};

use super::unmounted;

/// Whether the kernel is preemptible. If it does not show the setting, its version string shows
/// whether it was built to be.
pub fn is_preemptible() -> bool {
    match setting() {
        Ok(setting) => is_on(&setting),
        Err(error) => {
            log::info!("whether the kernel is preemptible cannot be read: {error}");
            uname().version().to_string_lossy().contains("PREEMPT")
        }
    }
}

/// The setting, e.g. `none (voluntary) full`.
///
/// # Errors
/// The kernel's error.
pub fn setting() -> Result<String> {
    unmounted::read("debugfs", "sched/preempt")
}

/// The active setting is in parentheses.
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
