// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records written by a walk through the kernel's netlink sockets: one [`Socket`] for each,
//! preceded by a [`Symbol`] if its callback differs from the last one's, and an [`End`].

#[cfg(not(target_arch = "bpf"))]
use zerocopy::FromBytes;

/// 64-bit words of a multicast bitmap that a record can hold; no current family has that many
/// groups.
pub const GROUP_WORDS: usize = 4;
/// Bytes of a [`Symbol`]'s text, with its NUL.
pub const SYMBOL_SIZE: usize = 256;

/// What kind of record follows. The numbers do not overlap those of [`crate::event::RecordKind`].
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

/// One netlink socket of user space or of the kernel (`struct netlink_sock`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Socket {
    /// [`SocketRecordKind::Socket`].
    pub kind: u32,
    /// Netlink protocol.
    pub protocol: u32,
    /// Address of its `sock`: only distinguishes sockets.
    pub sock: u64,
    /// Address of its receive callback; 0 for a user socket, and for a kernel socket that only
    /// sends.
    pub callback: u64,
    /// Inode number, as in `/proc/PID/fd`'s `socket:[…]`; 0 if there is none.
    pub inode: u64,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Port ID; 0: the kernel.
    pub portid: u32,
    /// Not 0: a kernel socket.
    pub kernels: u32,
    /// Memory used by the messages in the receive queue, bytes.
    pub rmem: u32,
    /// Limit of that memory, bytes (`SO_RCVBUF`).
    pub rcvbuf: u32,
    /// Messages lost, whether for lack of room or because the reader did not ask for the error.
    pub drops: u32,
    /// How many multicast groups `groups` could name.
    pub group_count: u32,
    /// Always 0.
    pub padding: u32,
    /// The multicast groups it listens to: group `n` is bit `n - 1`.
    pub groups: [u64; GROUP_WORDS],
}

/// The kernel's name for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Symbol {
    /// [`SocketRecordKind::Symbol`].
    pub kind: u32,
    /// Bytes that the text needs, including its NUL: more than [`SYMBOL_SIZE`] if it was cut off.
    pub needed: u32,
    /// The address.
    pub address: u64,
    /// `name+0xoffset/0xsize [module]` (the kernel's `%pS`), NUL-terminated.
    pub text: [u8; SYMBOL_SIZE],
}

/// How the walk ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
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
    /// Hash tables that are nested, as the kernel makes them when short of memory: not walked.
    pub nested: u32,
    /// Negative errno of the last failed read.
    pub errno: i32,
}

const _: () = assert!(size_of::<Socket>() == 96);
const _: () = assert!(size_of::<Symbol>() == 16 + SYMBOL_SIZE);
const _: () = assert!(size_of::<End>() == 24);
