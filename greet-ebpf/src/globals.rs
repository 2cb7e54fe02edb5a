// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! What user space decides before it loads the programs. The values are in read-only, frozen
//! memory, so the verifier treats them as constants: a branch that they rule out costs nothing, and
//! a BTF pointer stays a BTF pointer when such an offset is added.
//!
//! The offsets of kernel structures come from the running kernel's BTF
//! (`greet-user/trace/src/kernel/offsets.rs`); the defaults here deliberately fit no kernel.

use aya_ebpf::Global;

/// An offset that was not given: beyond any structure, so that the verifier refuses the program.
pub const NOT_SET: u64 = i32::MAX as u64;

macro_rules! globals {
    ($($(#[$doc:meta])+ $name:ident: $type:ty = $value:expr;)+) => {$(
        $(#[$doc])+
        #[expect(unsafe_code, reason = "user space finds the value by its symbol name")]
        // SAFETY: the names are this program's own and not used twice.
        #[unsafe(no_mangle)]
        pub static $name: Global<$type> = Global::new($value);
    )+};
}
pub(crate) use globals;

globals! {
    /// The netlink protocols to trace, one bit each.
    FILTER_PROTOCOLS: u32 = u32::MAX;
    /// Which tasks to trace: see `filter::wanted_task`.
    FILTER_TASKS: u32 = 0;
    /// The one process (thread group), if `FILTER_TASKS` says so.
    FILTER_PID: u32 = 0;
    /// The one network namespace, by its inode number; 0 for all.
    FILTER_NETNS: u32 = 0;
    /// The one port ID, at either end, if `FILTER_PORT_SET` is not 0.
    FILTER_PORT: u32 = 0;
    /// Whether there is such a port (0 is the kernel's own).
    FILTER_PORT_SET: u32 = 0;
    /// The thread's name: its first 8 bytes, 0 for any name …
    FILTER_COMM_LOW: u64 = 0;
    /// … and its last.
    FILTER_COMM_HIGH: u64 = 0;
    /// The process's name, which is that of its first thread: its first 8 bytes, 0 for any …
    FILTER_PROCESS_LOW: u64 = 0;
    /// … and its last.
    FILTER_PROCESS_HIGH: u64 = 0;
    /// The most bytes of a datagram to copy; 0 for none.
    SNAPLEN: u32 = 0;
    /// Not 0: whatever fits into one record is reported in one: see `round_trip`.
    SUMMARY: u32 = 0;
    /// Not 0: a request is also reported at `cross`: see `probes::cross`.
    EARLY: u32 = 0;

    /// `socket.sk`.
    SOCKET_SK: u64 = NOT_SET;
    /// `sk_buff.len`: length of the datagram, bytes.
    SKB_LEN: u64 = NOT_SET;
    /// `sk_buff.data_len`: how much of it lies outside the linear buffer, bytes.
    SKB_DATA_LEN: u64 = NOT_SET;
    /// `sk_buff.data`: the linear buffer.
    SKB_DATA: u64 = NOT_SET;
    /// `sk_buff.sk`: the socket whose queue it is in.
    SKB_SK: u64 = NOT_SET;
    /// `sk_buff.next`: the next one in the queue; null outside of one.
    SKB_NEXT: u64 = NOT_SET;
    /// `sk_buff.prev`: the previous one in the queue.
    SKB_PREV: u64 = NOT_SET;
    /// `sk_buff.cb` as `struct netlink_skb_parms` (`NETLINK_CB()`): its `portid`, the sender's port
    /// ID.
    SKB_CB_PORTID: u64 = NOT_SET;
    /// The same: its `dst_group`, the multicast group it was sent to.
    SKB_CB_GROUP: u64 = NOT_SET;
    /// The same: its `nsid`, by which the receiver's namespace knows the sender's …
    SKB_CB_NSID: u64 = NOT_SET;
    /// … and its `nsid_is_set`, 8 bits.
    SKB_CB_NSID_IS_SET: u64 = NOT_SET;
    /// `sock.__sk_common.skc_family`, 16 bits.
    SOCK_FAMILY: u64 = NOT_SET;
    /// `sock.sk_protocol`, 16 bits.
    SOCK_PROTOCOL: u64 = NOT_SET;
    /// `sock.sk_kern_sock`, a bit field: the byte that holds it …
    SOCK_KERN_BYTE: u64 = NOT_SET;
    /// … and its bit in that byte.
    SOCK_KERN_MASK: u8 = 0;
    /// `sock.sk_receive_queue`, the head of a ring of buffers …
    SOCK_QUEUE: u64 = NOT_SET;
    /// … and its `prev`: the buffer that was queued last.
    SOCK_QUEUE_TAIL: u64 = NOT_SET;
    /// `sock.__sk_common.skc_net.net`.
    SOCK_NET: u64 = NOT_SET;
    /// `net.ns.inum`.
    NET_INUM: u64 = NOT_SET;
    /// `netlink_sock.portid`, counted from the `sock` that it begins with.
    NETLINK_SOCK_PORTID: u64 = NOT_SET;
    /// `netlink_sock.dst_portid`: the port that the socket is connected to.
    NETLINK_SOCK_DST_PORTID: u64 = NOT_SET;
    /// `msghdr.msg_name`: the receiver's address …
    MSGHDR_NAME: u64 = NOT_SET;
    /// … and `msghdr.msg_namelen`: its length, 0 if there is none.
    MSGHDR_NAMELEN: u64 = NOT_SET;
    /// `sockaddr_nl.nl_pid`.
    SOCKADDR_PORTID: u64 = NOT_SET;
    /// `task_struct.tgid`: the process ID.
    TASK_TGID: u64 = NOT_SET;
    /// `task_struct.pid`: the thread ID.
    TASK_PID: u64 = NOT_SET;
    /// `task_struct.flags`, 32 bits.
    TASK_FLAGS: u64 = NOT_SET;
    /// `task_struct.group_leader`: the process's first thread.
    TASK_GROUP_LEADER: u64 = NOT_SET;
    /// `task_struct.comm`.
    TASK_COMM: u64 = NOT_SET;
    /// `task_struct.exit_code`.
    TASK_EXIT_CODE: u64 = NOT_SET;
    /// `task_struct.pending.signal.sig`: the first 64 signals, as bits.
    TASK_PENDING: u64 = NOT_SET;
}
