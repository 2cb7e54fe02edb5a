// SPDX-License-Identifier: MIT OR Apache-2.0
//! Greets the kernel over netlink and shows the message crossing the boundary.
/// obj
pub static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/greet-ebpf"));
