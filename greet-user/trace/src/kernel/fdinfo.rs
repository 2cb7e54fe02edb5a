// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel reports about the eBPF programs and links that this process has open:
//! `/proc/self/fdinfo` (`bpf_prog_show_fdinfo()` and `bpf_link_show_fdinfo()` in
//! kernel/bpf/syscall.c).

use std::{fs, io, os::fd::RawFd};

/// The `fdinfo` of a descriptor.
pub(crate) struct Info(String);

impl Info {
    /// The `fdinfo` of a descriptor of this process.
    ///
    /// # Errors
    /// If it is not open, or /proc is not available.
    pub(crate) fn of(descriptor: RawFd) -> io::Result<Self> {
        fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).map(Self)
    }

    /// The `fdinfo` of every descriptor of this process.
    ///
    /// # Errors
    /// If /proc is not available.
    pub(crate) fn of_all() -> io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc/self/fdinfo")? {
            // The descriptor of the directory itself is closed by now.
            all.extend(fs::read_to_string(entry?.path()).map(Self));
        }
        Ok(all)
    }

    #[cfg(test)]
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(found, _)| *found == name);
        found.map(|(_, value)| value.trim())
    }

    /// A field that is a decimal number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.parse().ok()
    }
}
