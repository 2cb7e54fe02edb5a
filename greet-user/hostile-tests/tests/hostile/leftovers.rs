// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must be gone after a test: sockets, queued memory, buffers.

use std::fs;
use std::path::Path;
use std::time::Instant;

use greet_common::wire::NETLINK_TEST_PROTOCOL;

use crate::module::{self, PATIENCE};

/// Present on the debugging kernel alone.
const KMEMLEAK: &str = "/sys/kernel/debug/kmemleak";
/// By how many buffers the kernel's own caches may have grown.
///
/// Each processor keeps some buffers at hand, and other parts of the kernel use them, too. Every
/// test that could leak sends more messages than this.
const SLACK: u64 = 1500;

/// Whether this is the debugging kernel.
pub fn is_debugging_kernel() -> bool {
    Path::new(KMEMLEAK).exists()
}

/// Buffers (`struct sk_buff`) in use.
///
/// # Panics
/// Where the kernel does not tell.
pub fn buffers() -> u64 {
    let slabs = fs::read_to_string("/proc/slabinfo").expect("/proc/slabinfo can be read");
    let line = slabs
        .lines()
        .find(|line| line.starts_with("skbuff_head_cache "));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or_else(|| panic!("no skbuff_head_cache in /proc/slabinfo:\n{slabs}"))
}

/// Panics where something is left behind.
pub fn assert_none(buffers_before: u64) {
    no_users();
    only_the_kernels_socket();
    if is_debugging_kernel() {
        no_unreferenced_memory();
    } else {
        // On the debugging kernel KASAN keeps freed buffers for a while, so this would say nothing.
        let now = buffers();
        assert!(
            now < buffers_before + SLACK,
            "{buffers_before} buffers before, {now} now"
        );
    }
}

/// Waits until no socket of a program holds the module.
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

/// `/proc/net/netlink`: one socket of our protocol, port 0, with nothing charged to it.
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

/// Has kmemleak look for memory that nothing points to.
///
/// It passes over what is younger than five seconds: that is found after a later test.
fn no_unreferenced_memory() {
    // What one scan suspects the next may find in a register or on a stack.
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
