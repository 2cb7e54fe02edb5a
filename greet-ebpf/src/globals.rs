// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! What user space decides before it loads the programs. The values lie in read-only,
//! frozen memory, so the verifier knows them as constants: a branch that they rule out
//! costs nothing, and an offset added to a BTF pointer leaves it a BTF pointer.
//!
//! The offsets of kernel structures come from the running kernel's BTF
//! (`greet-user/src/tracer/offsets.rs`); the defaults here fit no kernel on purpose.

use aya_ebpf::Global;

/// Where no offset was given: beyond any structure, so that the verifier refuses the program.
const NOT_SET: u64 = i32::MAX as u64;

macro_rules! globals {
    ($($(#[$doc:meta])+ $name:ident: $type:ty = $value:expr;)+) => {$(
        $(#[$doc])+
        #[expect(unsafe_code, reason = "user space finds the value by its symbol name")]
        // SAFETY: the names are this program's own and not used twice.
        #[unsafe(no_mangle)]
        pub static $name: Global<$type> = Global::new($value);
    )+};
}

globals! {
    /// The one netlink protocol to look at; `u32::MAX` for all.
    FILTER_PROTOCOL: u32 = u32::MAX;
    /// The one process (thread group) to look at; 0 for all.
    FILTER_PID: u32 = 0;

    /// `sk_buff.len`: length of the datagram, bytes.
    SKB_LEN: u64 = NOT_SET;
    /// `sk_buff.data_len`: how much of it lies outside the linear buffer, bytes.
    SKB_DATA_LEN: u64 = NOT_SET;
    /// `sk_buff.data`: the linear buffer.
    SKB_DATA: u64 = NOT_SET;
    /// `sk_buff.sk`: the socket that holds the buffer.
    SKB_SK: u64 = NOT_SET;
    /// `sk_buff.cb` as `struct netlink_skb_parms` (`NETLINK_CB()`): its `portid`, the sender's port ID.
    SKB_CB_PORTID: u64 = NOT_SET;
    /// `sock.sk_protocol`, 16 bits.
    SOCK_PROTOCOL: u64 = NOT_SET;
    /// `sock.sk_kern_sock`, a bit field: the byte that holds it …
    SOCK_KERN_BYTE: u64 = NOT_SET;
    /// … and its bit in that byte.
    SOCK_KERN_MASK: u8 = 0;
    /// `sock.__sk_common.skc_net.net`.
    SOCK_NET: u64 = NOT_SET;
    /// `net.ns.inum`.
    NET_INUM: u64 = NOT_SET;
}
