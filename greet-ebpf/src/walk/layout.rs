// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Where the kernel keeps what [`super`] reads; from the running kernel's BTF
//! (`greet-user/trace/src/sockets/layout.rs`). The defaults deliberately fit no kernel.

use aya_ebpf::Global;

use crate::globals::{NOT_SET, globals};

globals! {
    /// `bpf_iter_meta.seq`.
    ITER_META_SEQ: u64 = NOT_SET;
    /// `bpf_iter_meta.session_id`.
    ITER_META_SESSION: u64 = NOT_SET;
    /// `seq_file.private`.
    SEQ_PRIVATE: u64 = NOT_SET;
    /// `nl_seq_iter.hti.ht`: the hash table that the kernel's own walk is in.
    SEQ_ITER_HT: u64 = NOT_SET;
    /// `nl_seq_iter.link`: the protocol of that table.
    SEQ_ITER_LINK: u64 = NOT_SET;
    /// Size of `struct netlink_table`; there is one for each protocol.
    NETLINK_TABLE_SIZE: u64 = NOT_SET;
    /// `netlink_table.hash`.
    NETLINK_TABLE_HASH: u64 = NOT_SET;
    /// `rhashtable.tbl`.
    RHASHTABLE_TBL: u64 = NOT_SET;
    /// `bucket_table.size`: how many buckets.
    BUCKETS_SIZE: u64 = NOT_SET;
    /// `bucket_table.nest`: not 0 if the buckets are spread over many pages.
    BUCKETS_NEST: u64 = NOT_SET;
    /// `bucket_table.future_tbl`: where the entries are moving to.
    BUCKETS_FUTURE: u64 = NOT_SET;
    /// `bucket_table.buckets`.
    BUCKETS_HEADS: u64 = NOT_SET;
    /// `netlink_sock.node`, which links a socket into its bucket.
    NETLINK_SOCK_NODE: u64 = NOT_SET;
    /// `netlink_sock.netlink_rcv`: the receive callback of a kernel socket.
    NETLINK_SOCK_RCV: u64 = NOT_SET;
    /// `netlink_sock.ngroups`.
    NETLINK_SOCK_NGROUPS: u64 = NOT_SET;
    /// `netlink_sock.groups`.
    NETLINK_SOCK_GROUPS: u64 = NOT_SET;
    /// `sock.sk_backlog.rmem_alloc`.
    SOCK_RMEM: u64 = NOT_SET;
    /// `sock.sk_rcvbuf`.
    SOCK_RCVBUF: u64 = NOT_SET;
    /// `sock.sk_drops`.
    SOCK_DROPS: u64 = NOT_SET;
    /// `sock.sk_socket`.
    SOCK_SOCKET: u64 = NOT_SET;
    /// From a `struct socket` to its inode's number (`SOCK_INODE(socket)->i_ino`).
    SOCKET_INODE: u64 = NOT_SET;
}
