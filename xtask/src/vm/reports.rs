// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the kernel's complaints about itself on the console.

/// What a report begins with. `loglevel=5` on the command line lets all of them through.
const MARKS: &[&str] = &[
    "BUG:",
    "kernel BUG at",
    "WARNING:",
    "Oops",
    "general protection fault",
    "KASAN",
    "UBSAN",
    "KCSAN",
    "INFO: task",
    "INFO: rcu",
    "rcu: INFO",
    "INFO: trying to register non-static key",
    "possible recursive locking",
    "possible circular locking",
    "inconsistent lock state",
    "suspicious RCU usage",
    "sleeping function called from invalid context",
    "scheduling while atomic",
    "refcount_t:",
    "ODEBUG:",
    "kmemleak:",
    "Kernel panic",
    "unable to handle",
    "list_add corruption",
    "list_del corruption",
    "Object already free",
    "Poison overwritten",
    "Redzone overwritten",
];

/// What looks like a report and is none.
const HARMLESS: &[&str] = &[
    // The boot parameter that makes the emulated processor bearable.
    "mitigations=off",
    "kmemleak: Kernel memory leak detector initialized",
    "kmemleak: Automatic memory scanning thread",
];

/// The console's lines that begin a report.
pub fn kernel_reports(console: &str) -> Vec<&str> {
    let is_report = |line: &&str| {
        MARKS.iter().any(|mark| line.contains(mark))
            && !HARMLESS.iter().any(|harmless| line.contains(harmless))
    };
    console.lines().filter(is_report).collect()
}

#[cfg(test)]
mod tests {
    use super::kernel_reports;

    #[test]
    fn reports_are_found_and_boot_talk_is_not() {
        let console = "[0.1] Kernel command line: loglevel=5 mitigations=off\n\
                       [2.0] BUG: KASAN: double-free in netlink_recv_msg_fn+0x1/0x2\n\
                       [2.1] NetlinkGreetingsLKM: answered\n\
                       [2.2] WARNING: CPU: 1 PID: 2 at net/core/skbuff.c:1\n";
        assert_eq!(kernel_reports(console).len(), 2);
    }
}
