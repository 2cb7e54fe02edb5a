// SPDX-License-Identifier: MIT OR Apache-2.0
//! Preconditions for attaching anything.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use rustix::thread::{CapabilitySet, capabilities};

use super::{
    TracerError,
    btf::KERNEL_BTF,
    mounted::{require_proc, require_sys},
    switches::check_lockdown,
};
use crate::suggest::nearest;

/// Inode number of the initial user namespace (`PROC_USER_INIT_INO`).
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// Inode number of the initial PID namespace (`PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Checks for the required capabilities. Those held only in a separate user namespace do not count,
/// even though they look the same.
///
/// # Errors
/// [`TracerError::UserNamespace`], [`TracerError::Privileges`].
pub fn check_privileges() -> Result<(), TracerError> {
    // A missing /proc is reported later, to those who may trace.
    if is_in_initial_user_namespace().is_ok_and(|is_initial| !is_initial) {
        return Err(TracerError::UserNamespace);
    }
    let sets = capabilities(None).map_err(TracerError::setup)?;
    match missing_capabilities(sets.effective) {
        None => Ok(()),
        Some(missing) => Err(TracerError::Privileges { missing }),
    }
}

/// CAP_SYS_ADMIN by itself is sufficient: it is the older way.
fn missing_capabilities(held: CapabilitySet) -> Option<&'static str> {
    if held.contains(CapabilitySet::SYS_ADMIN) {
        return None;
    }
    match (
        held.contains(CapabilitySet::BPF),
        held.contains(CapabilitySet::PERFMON),
    ) {
        (true, true) => None,
        (true, false) => Some("CAP_PERFMON"),
        (false, true) => Some("CAP_BPF"),
        (false, false) => Some("CAP_BPF and CAP_PERFMON"),
    }
}

/// Checks for what the kernel lacks or forbids, or what of it is not visible here.
pub(crate) fn check_kernel() -> Result<(), TracerError> {
    require_proc("/proc/self/ns")?;
    require_proc("/proc/kallsyms")?;
    check_types()?;
    if is_in_initial_pid_namespace().map_err(TracerError::setup)? {
        Ok(())
    } else {
        Err(TracerError::PidNamespace)
    }
}

/// Checks that the programs can find and read the kernel's structures.
///
/// # Errors
/// [`TracerError::Lockdown`], [`TracerError::NotMounted`], [`TracerError::NoBtf`].
pub fn check_types() -> Result<(), TracerError> {
    check_lockdown()?;
    require_sys(KERNEL_BTF)?;
    if Path::new(KERNEL_BTF).exists() {
        Ok(())
    } else {
        Err(TracerError::NoBtf)
    }
}

/// Whether this process's IDs are those that the kernel's tracing helpers return.
///
/// # Errors
/// The kernel's error.
pub fn is_in_initial_pid_namespace() -> io::Result<bool> {
    let namespace = fs::metadata("/proc/self/ns/pid")?;
    Ok(namespace.ino() == INITIAL_PID_NAMESPACE)
}

/// Whether this process's capabilities are those that the kernel checks.
///
/// # Errors
/// The kernel's error.
pub fn is_in_initial_user_namespace() -> io::Result<bool> {
    let namespace = fs::metadata("/proc/self/ns/user")?;
    Ok(namespace.ino() == INITIAL_USER_NAMESPACE)
}

/// Whether the running kernel has this function, built in or in a module.
///
/// # Errors
/// [`TracerError`] if `/proc/kallsyms` cannot be read.
pub fn has_function(name: &str) -> Result<bool, TracerError> {
    let symbols = fs::read("/proc/kallsyms").map_err(TracerError::setup)?;
    Ok(is_listed(&symbols, name))
}

/// The function whose name is most similar to this one.
///
/// # Errors
/// [`TracerError`] if `/proc/kallsyms` cannot be read.
pub fn function_like(name: &str) -> Result<Option<String>, TracerError> {
    let symbols = fs::read("/proc/kallsyms").map_err(TracerError::setup)?;
    let names = functions(&symbols).filter_map(|name| std::str::from_utf8(name).ok());
    Ok(nearest(name, names).map(str::to_owned))
}

/// The start of a built-in kernel function, and of the symbol after it. `None` if the kernel does
/// not have the function, or hides its addresses (`kernel.kptr_restrict`).
///
/// # Errors
/// [`TracerError`] if `/proc/kallsyms` cannot be read.
pub(crate) fn function_range(name: &str) -> Result<Option<(u64, u64)>, TracerError> {
    let symbols = fs::read("/proc/kallsyms").map_err(TracerError::setup)?;
    Ok(range(&symbols, name))
}

fn range(kallsyms: &[u8], name: &str) -> Option<(u64, u64)> {
    let symbols = || {
        let lines = kallsyms.split(|byte| *byte == b'\n');
        lines.filter_map(|line| {
            let mut words = line.split(u8::is_ascii_whitespace);
            let address = str::from_utf8(words.next()?).ok()?;
            let address = u64::from_str_radix(address, 16).ok()?;
            Some((address, words))
        })
    };
    let (start, _) = symbols().find(|(_, words)| {
        let mut words = words.clone();
        let is_text = matches!(words.next(), Some(b"t" | b"T"));
        is_text && words.next() == Some(name.as_bytes()) && words.next().is_none()
    })?;
    let behind = symbols().map(|(address, _)| address);
    let end = behind.filter(|address| *address > start).min()?;
    (start != 0).then_some((start, end))
}

fn is_listed(kallsyms: &[u8], name: &str) -> bool {
    functions(kallsyms).any(|function| function == name.as_bytes())
}

/// The functions in `/proc/kallsyms`: lines of `address type name [module]`.
fn functions(kallsyms: &[u8]) -> impl Iterator<Item = &[u8]> {
    kallsyms.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut words = line.split(u8::is_ascii_whitespace);
        let is_text = matches!(words.nth(1), Some(b"t" | b"T" | b"w" | b"W"));
        words.next().filter(|_| is_text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_capability_is_named() {
        let bpf = CapabilitySet::BPF;
        let perfmon = CapabilitySet::PERFMON;
        for (held, missing) in [
            (CapabilitySet::empty(), Some("CAP_BPF and CAP_PERFMON")),
            (bpf, Some("CAP_PERFMON")),
            (perfmon, Some("CAP_BPF")),
            (bpf | perfmon, None),
            (CapabilitySet::SYS_ADMIN, None),
        ] {
            assert_eq!(missing_capabilities(held), missing);
        }
    }

    #[test]
    fn a_function_ends_where_the_next_begins() {
        let kallsyms = b"ffff30 t other\t[module]\n\
            ffff18 T behind\n\
            ffff10 t netlink_sendmsg\n\
            ffff00 t netlink_sendmsg.cold\n\
            ffff18 t alias\n";
        assert_eq!(
            range(kallsyms, "netlink_sendmsg"),
            Some((0xffff10, 0xffff18))
        );
        assert_eq!(range(kallsyms, "behind"), Some((0xffff18, 0xffff30)));
        assert_eq!(range(kallsyms, "other"), None, "in a module");
        assert_eq!(range(kallsyms, "nothing"), None);
        let hidden = b"0000 t netlink_sendmsg\n0000 t behind\n";
        assert_eq!(range(hidden, "netlink_sendmsg"), None);
    }

    #[test]
    fn only_functions_count() {
        let kallsyms = b"0000 T netlink_unicast\n\
            0000 d some_data\n\
            0000 t netlink_recv_msg_fn\t[NetlinkGreetingsLKM]\n";
        assert!(is_listed(kallsyms, "netlink_unicast"));
        assert!(is_listed(kallsyms, "netlink_recv_msg_fn"));
        assert!(!is_listed(kallsyms, "some_data"));
        assert!(!is_listed(kallsyms, "netlink"));
        assert!(!is_listed(kallsyms, "[NetlinkGreetingsLKM]"));
        assert!(!is_listed(b"", ""));
    }
}
