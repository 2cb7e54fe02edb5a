// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel log from a given point onwards.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;

use crate::module;

/// Substrings that identify a kernel bug report.
const REPORTS: &[&str] = &[
    "BUG:",
    "kernel BUG",
    "WARNING:",
    "Oops",
    "KASAN",
    "UBSAN",
    "KCSAN",
    "KMSAN",
    "KFENCE",
    "Call Trace",
    "general protection fault",
    "unable to handle",
    "kmemleak",
    "unreferenced object",
    "INFO: task",
    "INFO: rcu",
    "rcu: INFO",
    "soft lockup",
    "possible recursive locking",
    "circular locking",
    "inconsistent lock state",
    "suspicious RCU usage",
    "held lock freed",
    "sleeping function called",
    "scheduling while atomic",
    "refcount_t",
    "ODEBUG",
    "list_add corruption",
    "list_del corruption",
    "already free",
    "overwritten",
    "page allocation failure",
    "stack-protector",
    "Kernel panic",
];

/// `/dev/kmsg`, read from its end at the time of construction.
#[derive(Debug)]
pub struct KernelLog {
    file: File,
}

impl KernelLog {
    /// Starts at the end of the log.
    pub fn from_now() -> Self {
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/kmsg")
            .expect("the kernel log can be opened");
        file.seek(SeekFrom::End(0)).expect("going to its end");
        Self { file }
    }

    /// The text of all records since the last call, as the kernel shows them: printable, with
    /// `\x..` for any other byte.
    pub fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut record = vec![0; 8192];
        loop {
            match self.file.read(&mut record) {
                // "priority,sequence,time,flags;text\n", then lines of key=value
                Ok(length) => {
                    let record = String::from_utf8_lossy(&record[..length]);
                    let text = record.split_once(';').map_or("", |(_, text)| text);
                    lines.extend(text.lines().take(1).map(str::to_owned));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return lines,
                // EPIPE: overwritten before it was read, so the log can be flooded.
                Err(error) => panic!("records of the kernel log are lost: {error}"),
            }
        }
    }

    /// Panics if the kernel has reported a bug since the last call.
    pub fn assert_no_report(&mut self) {
        let lines = self.lines();
        let own = format!("{}: ", module::NAME);
        let is_report = |line: &&String| {
            !line.starts_with(&own) && REPORTS.iter().any(|report| line.contains(report))
        };
        if let Some(first) = lines.iter().position(|line| is_report(&line)) {
            let end = lines.len().min(first + 40);
            panic!("the kernel reports:\n{}", lines[first..end].join("\n"));
        }
    }
}
