// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records that a walk through the kernel's netlink sockets writes: one [`Socket`] for
//! each, before it a [`Symbol`] where its callback is another than the last, and an [`End`].

/// Bits of a multicast bitmap that a record can hold; no family of today has as many groups.
pub const GROUP_WORDS: usize = 4;
/// Bytes of a [`Symbol`]'s text, with its NUL.
pub const SYMBOL_SIZE: usize = 256;

/// What kind of record follows. The numbers are none of [`crate::event::RecordKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum SocketRecordKind {
    /// A [`Socket`].
    Socket = 101,
    /// A [`Symbol`].
    Symbol = 102,
    /// An [`End`].
    End = 103,
}

/// One netlink socket, user's or kernel's (`struct netlink_sock`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Socket {
    /// [`SocketRecordKind::Socket`].
    pub kind: u32,
    /// Netlink protocol.
    pub protocol: u32,
    /// Address of its `sock`: tells sockets apart, nothing else.
    pub sock: u64,
    /// Address of its receive callback; 0 for a user's socket, and for a kernel's that only sends.
    pub callback: u64,
    /// Inode number, as in `/proc/PID/fd`'s `socket:[…]`; 0 where there is none.
    pub inode: u64,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Port ID; 0: the kernel.
    pub portid: u32,
    /// Not 0: a socket of the kernel's own.
    pub kernels: u32,
    /// Memory that the messages in the receive queue take, bytes.
    pub rmem: u32,
    /// How much they may take, bytes (`SO_RCVBUF`).
    pub rcvbuf: u32,
    /// Messages lost, be it for want of room or because the reader did not ask for the error.
    pub drops: u32,
    /// How many multicast groups `groups` could name.
    pub group_count: u32,
    /// Always 0.
    pub padding: u32,
    /// The multicast groups that it listens to: group `n` is bit `n - 1`.
    pub groups: [u64; GROUP_WORDS],
}

/// What the kernel calls an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Symbol {
    /// [`SocketRecordKind::Symbol`].
    pub kind: u32,
    /// Bytes that the text needs with its NUL: more than [`SYMBOL_SIZE`] if it was cut off.
    pub needed: u32,
    /// The address.
    pub address: u64,
    /// `name+0xoffset/0xsize [module]` (the kernel's `%pS`), NUL-terminated.
    pub text: [u8; SYMBOL_SIZE],
}

/// How the walk ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct End {
    /// [`SocketRecordKind::End`].
    pub kind: u32,
    /// Not 0: every table was walked to its end.
    pub complete: u32,
    /// How many sockets were seen.
    pub sockets: u32,
    /// How many reads of kernel memory failed.
    pub faults: u32,
    /// Hash tables that are nested, which the kernel does when it is short of memory: not walked.
    pub nested: u32,
    /// Negative errno of the last read that failed.
    pub errno: i32,
}

const _: () = assert!(size_of::<Socket>() == 96);
const _: () = assert!(size_of::<Symbol>() == 16 + SYMBOL_SIZE);
const _: () = assert!(size_of::<End>() == 24);
