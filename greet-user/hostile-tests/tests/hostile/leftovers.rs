// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks for leaks after a test: sockets, queued memory, buffers.

use std::fs;
use std::path::Path;
use std::time::Instant;

use greet_common::wire::NETLINK_TEST_PROTOCOL;

use crate::module::{self, PATIENCE};

/// Exists only on the debugging kernel.
const KMEMLEAK: &str = "/sys/kernel/debug/kmemleak";
/// How many buffers the kernel's own caches may have gained.
///
/// Each processor keeps some buffers in reserve, and other parts of the kernel use buffers too.
/// Every test that could leak sends more messages than this.
const SLACK: u64 = 1500;

/// Whether this is the debugging kernel.
pub fn is_debugging_kernel() -> bool {
    Path::new(KMEMLEAK).exists()
}

/// The number of buffers (`struct sk_buff`) in use.
///
/// # Panics
/// Panics if the kernel does not report it.
pub fn buffers() -> u64 {
    let slabs = fs::read_to_string("/proc/slabinfo").expect("/proc/slabinfo can be read");
    let line = slabs
        .lines()
        .find(|line| line.starts_with("skbuff_head_cache "));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or_else(|| panic!("no skbuff_head_cache in /proc/slabinfo:\n{slabs}"))
}

/// Panics if anything is left behind.
pub fn assert_none(buffers_before: u64) {
    no_users();
    only_the_kernels_socket();
    if is_debugging_kernel() {
        no_unreferenced_memory();
    } else {
        // On the debugging kernel, KASAN quarantines freed buffers, so this would prove nothing.
        let now = buffers();
        assert!(
            now < buffers_before + SLACK,
            "{buffers_before} buffers before, {now} now"
        );
    }
}

/// Waits until no user-space socket holds the module.
pub fn no_users() {
    let deadline = Instant::now() + PATIENCE;
    while module::users() != 0 {
        let users = module::users();
        assert!(
            Instant::now() < deadline,
            "{users} sockets still hold the module"
        );
        module::pause();
    }
}

/// `/proc/net/netlink`: one socket of our protocol, port 0, with no memory charged to it.
fn only_the_kernels_socket() {
    let table = fs::read_to_string("/proc/net/netlink").expect("/proc/net/netlink can be read");
    let protocol = NETLINK_TEST_PROTOCOL.to_string();
    let ours: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|columns: &Vec<&str>| columns.get(1) == Some(&protocol.as_str()))
        .collect();
    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    assert_eq!(ours.len(), 1, "{table}");
    assert_eq!(ours[0][2], "0", "the kernel's port: {table}");
    assert_eq!(
        ours[0][4..6],
        ["0", "0"],
        "receive and send memory: {table}"
    );
}

/// Makes kmemleak scan for unreferenced memory.
///
/// It ignores memory younger than five seconds: such leaks are found after a later test.
fn no_unreferenced_memory() {
    // A suspect of one scan may be found in a register or on a stack by the next.
    for _ in 0..3 {
        fs::write(KMEMLEAK, "scan").expect("kmemleak scans");
        let suspects = fs::read_to_string(KMEMLEAK).expect("kmemleak tells");
        if suspects.is_empty() {
            return;
        }
        fs::write(KMEMLEAK, "clear").expect("kmemleak forgets");
        assert!(!suspects.contains(module::NAME), "leaked:\n{suspects}");
        crate::report::note(format!(
            "kmemleak suspected, not through the module: {suspects}"
        ));
    }
    panic!("kmemleak goes on finding leaks");
}
