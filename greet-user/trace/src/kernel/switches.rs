// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an administrator can switch off beneath attached hooks, without any call failing. It is
//! checked before anything is attached. A program attached while ftrace is off does no harm until
//! ftrace is on again: then `ftrace_shutdown()` warns, and on 6.12 no function can be hooked until
//! the next boot.

use std::{fs, io};

use super::{TracerError, unmounted};

/// The level from which some distributions (Debian, Ubuntu) restrict `perf_event_open()` to
/// CAP_SYS_ADMIN. Upstream kernels have no such level.
pub const PARANOID: i32 = 3;

/// Whether function tracing is switched off (`kernel.ftrace_enabled`). fentry, and kprobes on the
/// start of a function, depend on it.
#[must_use]
pub fn ftrace_is_off() -> bool {
    let path = "sys/kernel/ftrace_enabled";
    let read = fs::read_to_string(format!("/proc/{path}"))
        // If something covers /proc/sys, root can still read it.
        .or_else(|_| unmounted::read("proc", path));
    is_off(read)
}

/// Whether all kprobes are disarmed. Known only to those who may read debugfs.
#[must_use]
pub fn kprobes_are_off() -> bool {
    is_off(unmounted::read("debugfs", "kprobes/enabled"))
}

/// A setting that is unreadable or does not exist is not known to be off.
fn is_off<E>(setting: Result<String, E>) -> bool {
    setting.is_ok_and(|setting| setting.trim() == "0")
}

/// `kernel.perf_event_paranoid`, if that may be why `perf_event_open()` was refused.
pub(crate) fn paranoid() -> Option<i32> {
    let level = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok()?;
    level.trim().parse().ok().filter(|level| *level >= PARANOID)
}

/// The kernel's lockdown state, e.g. `[none] integrity confidentiality`. If securityfs is mounted,
/// everyone may read it; otherwise root reads it unmounted.
///
/// # Errors
/// The kernel's error; `NotFound` if it does not support lockdown.
pub fn lockdown() -> io::Result<String> {
    fs::read_to_string("/sys/kernel/security/lockdown")
        .or_else(|_| Ok(unmounted::read("securityfs", "lockdown")?))
}

/// Fails if lockdown keeps programs from reading kernel memory.
pub(crate) fn check_lockdown() -> Result<(), TracerError> {
    match lockdown() {
        Ok(setting) if setting.contains("[confidentiality]") => Err(TracerError::Lockdown),
        _ => Ok(()),
    }
}

/// Fails if kprobes would not fire.
pub(crate) fn check_kprobes() -> Result<(), TracerError> {
    if kprobes_are_off() {
        return Err(TracerError::KprobesOff);
    }
    check_ftrace()
}

/// Fails if hooks that ftrace calls would not fire.
pub(crate) fn check_ftrace() -> Result<(), TracerError> {
    if ftrace_is_off() {
        return Err(TracerError::FtraceOff);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_zero_is_off() {
        let off = |text: &str| is_off::<io::Error>(Ok(text.to_owned()));
        assert!(off("0\n"));
        assert!(!off("1\n") && !off("") && !off("00x"));
        assert!(!is_off(Err(io::Error::from(io::ErrorKind::NotFound))));
    }
}
