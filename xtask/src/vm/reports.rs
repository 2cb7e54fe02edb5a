// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds problems reported by the kernel on its console.

/// Substrings that mark a report. `loglevel=5` on the command line lets all of them through.
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
    "list_add double add",
    "list_del corruption",
    "Object already free",
    // SLUB: `BUG kmalloc-256 (Tainted: …): …`.
    "] BUG ",
    // Any oops, whatever its type.
    "[#1]",
    "double fault",
    // Leftovers of a network namespace or a socket.
    "unregister_netdevice: waiting for",
    "ref_tracker:",
    "Freeing alive netlink socket",
    "Poison overwritten",
    "Redzone overwritten",
];

/// Lines that look like a report but are harmless.
const HARMLESS: &[&str] = &[
    // The boot parameter that makes emulation bearable.
    "mitigations=off",
    "kmemleak: Kernel memory leak detector initialized",
    "kmemleak: Automatic memory scanning thread",
];

/// The console lines that start a report.
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

    /// As printed by 6.12, each without any other sign of a problem.
    #[test]
    fn every_checker_of_the_debugging_kernel_is_heard() {
        for report in [
            "BUG: KASAN: slab-use-after-free in sk_skb_reason_drop+0x31/0x100",
            "UBSAN: shift-out-of-bounds in net/x.c:1:2",
            "kmemleak: Memory pool empty, consider increasing CONFIG_DEBUG_KMEMLEAK_MEM_POOL_SIZE",
            "WARNING: possible circular locking dependency detected",
            "WARNING: suspicious RCU usage",
            "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
            "BUG: sleeping function called from invalid context at mm/slab.h:1",
            "ODEBUG: free active (active state 0) object: 0 object type: timer_list hint: x",
            "BUG skbuff_head_cache (Tainted: G           O      ): Freechain corrupt",
            "INFO: task hostile:42 blocked for more than 122 seconds.",
            "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [hostile:42]",
            "refcount_t: underflow; use-after-free.",
            "list_add double add: new=1, prev=1, next=2.",
            "unregister_netdevice: waiting for lo to become free. Usage count = 2",
            "ref_tracker: net notrefcnt@00000000deadbeef has 1/1 users at",
            "Freeing alive netlink socket 00000000deadbeef",
        ] {
            let console = format!("[   12.345678] {report}\r\n");
            assert_eq!(kernel_reports(&console).len(), 1, "{report}");
        }
    }

    #[test]
    fn reports_are_found_and_boot_talk_is_not() {
        let console = "[0.1] Kernel command line: loglevel=5 mitigations=off\n\
                       [2.0] BUG: KASAN: double-free in netlink_recv_msg_fn+0x1/0x2\n\
                       [2.1] NetlinkGreetingsLKM: answered\n\
                       [2.2] WARNING: CPU: 1 PID: 2 at net/core/skbuff.c:1\n";
        assert_eq!(kernel_reports(console).len(), 2);
    }
}
