// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold before anything is attached.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use rustix::thread::{CapabilitySet, capabilities};

use super::TracerError;

/// Inode number of the initial PID namespace (`PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Says which capability is missing, if one is.
///
/// # Errors
/// [`TracerError::Privileges`].
pub fn check_privileges() -> Result<(), TracerError> {
    let sets = capabilities(None).map_err(TracerError::setup)?;
    match missing_capabilities(sets.effective) {
        None => Ok(()),
        Some(missing) => Err(TracerError::Privileges { missing }),
    }
}

/// CAP_SYS_ADMIN alone will do: it is the older way.
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

/// Says what the kernel lacks, if it lacks something.
pub(super) fn check_kernel() -> Result<(), TracerError> {
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return Err(TracerError::NoBtf);
    }
    let namespace = fs::metadata("/proc/self/ns/pid").map_err(TracerError::setup)?;
    if namespace.ino() == INITIAL_PID_NAMESPACE {
        Ok(())
    } else {
        Err(TracerError::PidNamespace)
    }
}

/// Does the running kernel have this function, in itself or in a module?
///
/// # Errors
/// [`TracerError`] where `/proc/kallsyms` cannot be read.
pub fn has_function(name: &str) -> Result<bool, TracerError> {
    let symbols = fs::read("/proc/kallsyms").map_err(TracerError::setup)?;
    Ok(is_listed(&symbols, name))
}

/// Where a function of the kernel itself begins, and what comes behind it. `None` where the
/// kernel does not have it, or keeps its addresses to itself (`kernel.kptr_restrict`).
///
/// # Errors
/// [`TracerError`] where `/proc/kallsyms` cannot be read.
pub(super) fn function_range(name: &str) -> Result<Option<(u64, u64)>, TracerError> {
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

/// Looks for a function in `/proc/kallsyms`: lines of `address type name [module]`.
fn is_listed(kallsyms: &[u8], name: &str) -> bool {
    kallsyms.split(|byte| *byte == b'\n').any(|line| {
        let mut words = line.split(u8::is_ascii_whitespace);
        let is_text = matches!(words.nth(1), Some(b"t" | b"T" | b"w" | b"W"));
        is_text && words.next() == Some(name.as_bytes())
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
