// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the running kernel keeps its netlink sockets and their fields: the offsets for
//! `greet-ebpf/src/walk/layout.rs`, which describes each of them.

use crate::kernel::{
    btf::{Btf, Field},
    offsets::{FieldError, find},
};

/// Finds the offsets, in bytes, along with their names in the eBPF program.
///
/// # Errors
/// [`FieldError`] if a field is missing or not as expected.
pub fn of(btf: &Btf) -> Result<Vec<(&'static str, u64)>, FieldError> {
    let at = |structure, path: &str, bits| find(btf, structure, path, bits).map(Field::byte_offset);
    let tbl = at("rhashtable", "tbl", 64)?;
    // From a `struct socket` to its container (`SOCK_INODE()`), by way of one of its fields.
    let socket = at("socket_alloc", "socket.sk", 64)? - at("socket", "sk", 64)?;
    let inode = at("socket_alloc", "vfs_inode.i_ino", 64)?.wrapping_sub(socket);
    Ok(vec![
        ("ITER_META_SEQ", at("bpf_iter_meta", "seq", 64)?),
        ("ITER_META_SESSION", at("bpf_iter_meta", "session_id", 64)?),
        ("SEQ_PRIVATE", at("seq_file", "private", 64)?),
        ("SEQ_ITER_HT", at("nl_seq_iter", "hti.ht", 64)?),
        ("SEQ_ITER_LINK", at("nl_seq_iter", "link", 32)?),
        ("NETLINK_TABLE_SIZE", size(btf, "netlink_table")?),
        (
            "NETLINK_TABLE_HASH",
            at("netlink_table", "hash.tbl", 64)? - tbl,
        ),
        ("RHASHTABLE_TBL", tbl),
        ("BUCKETS_SIZE", at("bucket_table", "size", 32)?),
        ("BUCKETS_NEST", at("bucket_table", "nest", 32)?),
        ("BUCKETS_FUTURE", at("bucket_table", "future_tbl", 64)?),
        // A flexible array member.
        ("BUCKETS_HEADS", at("bucket_table", "buckets", 0)?),
        ("NETLINK_SOCK_NODE", at("netlink_sock", "node.next", 64)?),
        ("NETLINK_SOCK_RCV", at("netlink_sock", "netlink_rcv", 64)?),
        ("NETLINK_SOCK_NGROUPS", at("netlink_sock", "ngroups", 32)?),
        ("NETLINK_SOCK_GROUPS", at("netlink_sock", "groups", 64)?),
        ("SOCK_RMEM", at("sock", "sk_backlog.rmem_alloc", 32)?),
        ("SOCK_RCVBUF", at("sock", "sk_rcvbuf", 32)?),
        ("SOCK_DROPS", at("sock", "sk_drops", 32)?),
        ("SOCK_SOCKET", at("sock", "sk_socket", 64)?),
        ("SOCKET_INODE", inode),
    ])
}

/// The structure's size in bytes.
fn size(btf: &Btf, structure: &str) -> Result<u64, FieldError> {
    btf.size_of(structure).ok_or_else(|| FieldError::NoField {
        structure: structure.to_owned(),
        field: "(the structure itself)".to_owned(),
    })
}
