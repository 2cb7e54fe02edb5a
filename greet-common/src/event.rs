// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records that the eBPF programs write into the ring buffer.
//!
//! A stage does not get a record of its own: timestamps are collected while a call lasts, and one
//! record is written when it is complete. A [`Request`] describes one `sendmsg()`, a [`Message`]
//! one `sk_buff` that was put into a receive queue, a [`Delivery`] one that was taken out; a
//! [`Loss`] and an [`Extack`] describe what went wrong. Each begins with a [`Head`]. If more of a
//! datagram is to be captured than such a record holds, a [`Continuation`] precedes it. If only
//! times are wanted, one [`RoundTrip`] replaces the three records of a request with a single reply
//! that its sender reads.
//!
//! The kernel's own identifiers tie them together: a call (one system call of one task) has a
//! number, and a queued message is identified by its socket and its buffer.

use core::mem::offset_of;

#[cfg(not(target_arch = "bpf"))]
use zerocopy::FromBytes;

use crate::wire::HEADER_SIZE;

#[cfg(not(target_arch = "bpf"))]
mod read;
#[cfg(test)]
mod tests;

#[cfg(not(target_arch = "bpf"))]
pub use read::{Record, RecordError};

/// Payload bytes that a record can hold.
pub const PAYLOAD_CAPTURE: usize = 256;
/// Bytes of a datagram that a record can hold: one header and the payload after it.
pub const CAPTURE: usize = HEADER_SIZE + PAYLOAD_CAPTURE;
/// Length of a task's command name in the kernel (`TASK_COMM_LEN`), with its NUL.
pub const COMM_SIZE: usize = 16;
/// Bytes of a [`Request`]'s record before the datagram's first byte.
pub const REQUEST_HEAD: usize = offset_of!(Request, datagram) + offset_of!(DatagramRecord, data);
/// How many bytes of its datagram a [`Request`]'s record can hold: the smallest that suffices is
/// used.
pub const REQUEST_ROOMS: [usize; 3] = [0, 64, CAPTURE];
/// An unknown length: no datagram is that long.
pub const LEN_UNKNOWN: u32 = u32::MAX;
/// Bytes of an extended-ACK text that a record can hold, with its NUL.
pub const EXTACK_SIZE: usize = 128;

/// [`Request::result`] of a task that died inside `sendmsg()`: an oops killed it.
pub const DIED: i32 = i32::MIN;
/// [`Request::result`] of a task that was killed by a signal while `sendmsg()` waited: the call
/// ended, but never returned to the program.
pub const KILLED: i32 = i32::MIN + 1;

/// What kind of record follows, as in [`Head::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum RecordKind {
    /// A [`Request`].
    Request = 1,
    /// A [`Message`].
    Message = 2,
    /// A [`Delivery`].
    Delivery = 3,
    /// A [`Loss`].
    Loss = 4,
    /// An [`Extack`].
    Extack = 5,
    /// A [`Continuation`].
    Continuation = 6,
    /// A [`RoundTrip`].
    RoundTrip = 7,
    /// A [`Close`].
    Close = 8,
}

/// Who and where: the start of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Head {
    /// A [`RecordKind`].
    pub kind: u32,
    /// Netlink protocol.
    pub protocol: u32,
    /// Number of the system call in which it happened; 0 outside of a traced one.
    pub call: u64,
    /// Process ID (thread group) of the running task, in the initial PID namespace.
    pub pid: u32,
    /// Thread ID of the running task.
    pub tid: u32,
    /// Command name of the running task, NUL-terminated.
    pub comm: [u8; COMM_SIZE],
    /// Address of the user's `sock`: only distinguishes sockets.
    pub sock: u64,
}

/// How many bytes a [`Continuation`] can hold: the smallest that suffices is used. The largest
/// holds the longest datagram that can be captured, [`SNAPLEN_MAX`].
pub const REST_SIZES: [usize; 4] = [512, 4_096, 16_384, 65_536];
/// The most bytes of a datagram that can be captured.
pub const SNAPLEN_MAX: usize = 65_536;

/// One datagram: its end points, its length and its first bytes. The last field of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct DatagramRecord {
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Port ID of the sending socket, according to the kernel (0: the kernel).
    pub portid: u32,
    /// Port ID of the receiving socket (0: the kernel).
    pub peer_portid: u32,
    /// Multicast group it was sent to, 0 for none.
    pub group: u32,
    /// Length of the whole datagram, in bytes.
    pub len: u32,
    /// How many bytes of `data` are valid; the rest is not initialised.
    pub captured: u32,
    /// How many more bytes there are in a [`Continuation`] that precedes this record.
    pub rest: u32,
    /// What its first bytes do not show: a [`Mark`].
    pub mark: u32,
    /// The datagram's first bytes.
    pub data: [u8; CAPTURE],
}

/// What a datagram's record says beyond its captured bytes, as in [`DatagramRecord::mark`]; 0 if
/// nothing is known. For a unicast it describes how it ends, for a multicast where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(pub u32);

impl Mark {
    /// Set if the last message of a unicast is `NLMSG_DONE`.
    pub const DONE: u32 = 1;
    /// Bit offset of that message's flags.
    pub const FLAGS: u32 = 1;
    /// The flags that fit: those of a dump, up to `NLM_F_DUMP_FILTERED`.
    pub const FLAGS_MASK: u32 = 0xff;
    /// Bit offset of its errno, not negated.
    pub const ERRNO: u32 = 16;

    /// A unicast that ends with `NLMSG_DONE`, with these flags and this code (0 or a negative
    /// errno; anything else counts as 0).
    #[must_use]
    pub const fn done(flags: u16, code: i32) -> Self {
        let errno = code.wrapping_neg() as u32;
        let errno = if errno < 4096 { errno } else { 0 };
        Self(Self::DONE | (flags as u32 & Self::FLAGS_MASK) << Self::FLAGS | errno << Self::ERRNO)
    }

    /// A multicast from the namespace that the receiver's knows by this number (`nsid`).
    #[must_use]
    pub const fn from_namespace(nsid: i32) -> Self {
        Self((nsid as u32).wrapping_add(1))
    }
}

/// Which record a [`Continuation`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct RestHead {
    /// A [`RecordKind`].
    pub kind: u32,
    /// How many bytes are valid.
    pub len: u32,
    /// Address of the `sock`, as in its record.
    pub sock: u64,
    /// Address of a [`Message`]'s `sk_buff`, or the call number of a [`Request`].
    pub id: u64,
}

/// The bytes of a datagram after those that its record holds: `N` is one of [`REST_SIZES`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Continuation<const N: usize> {
    /// The record it belongs to.
    pub head: RestHead,
    /// The bytes; those past the valid ones are not initialised.
    pub data: [u8; N],
}

/// One `sendmsg()` on a netlink socket, from start to end. Times are CLOCK_MONOTONIC in ns, 0 for a
/// stage that was not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Request {
    /// Who sent it, and through which socket.
    pub head: Head,
    /// Stage `send`.
    pub send_ns: u64,
    /// Stage `cross`.
    pub cross_ns: u64,
    /// Stage `handle`.
    pub handle_ns: u64,
    /// Stage `handled`.
    pub handled_ns: u64,
    /// Stage `sent`; 0 if `sendmsg()` has not returned.
    pub sent_ns: u64,
    /// What `sendmsg()` returned: bytes, or a negative errno. [`DIED`] if it never will, [`KILLED`]
    /// if the program was killed; 0 if it has not returned yet, in a record written at the stage
    /// `cross`.
    pub result: i32,
    /// How many messages the kernel passed to `netlink_unicast` during the call that were not
    /// queued. A [`Loss`] gives the reason, except in a summary.
    pub unqueued: u32,
    /// What was sent. If the stage `send` cannot be seen: its length and its sender, and its
    /// receiver if it was put into another process's queue, but none of its bytes.
    pub datagram: DatagramRecord,
}

/// One message that was put into a socket's receive queue (stage `queue`), or that
/// `netlink_unicast` could not put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Message {
    /// In which task, and into which socket's queue.
    pub head: Head,
    /// Address of the `sk_buff`: together with the socket it identifies the message.
    pub skb: u64,
    /// Stage `reply`; 0 if it did not come through `netlink_unicast`.
    pub reply_ns: u64,
    /// Stage `queue`.
    pub queue_ns: u64,
    /// The message.
    pub datagram: DatagramRecord,
}

/// One message that was taken out of a socket's queue (stages `receive`, `delivered`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Delivery {
    /// Who read it, and from which socket.
    pub head: Head,
    /// Address of the `sk_buff`.
    pub skb: u64,
    /// Stage `receive`.
    pub receive_ns: u64,
    /// Stage `delivered`.
    pub delivered_ns: u64,
    /// What `recvmsg()` returned: bytes, or a negative errno.
    pub result: i32,
    /// The call's flags (`MSG_PEEK`, `MSG_TRUNC`, …).
    pub flags: u32,
    /// How many bytes of the message were copied: less than its length if the reader's buffer was
    /// too small, whatever `result` says (`MSG_TRUNC`). [`LEN_UNKNOWN`] if not known.
    pub copied: u32,
    /// Explicit padding.
    pub padding: u32,
}

/// A request, its single reply and how its sender read it, without their bytes. Nothing is stored
/// twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct RoundTrip {
    /// Who sent the request and read the reply, and through which socket.
    pub head: Head,
    /// Stage `send`.
    pub send_ns: u64,
    /// Stage `cross`.
    pub cross_ns: u64,
    /// Stage `handle`.
    pub handle_ns: u64,
    /// Stage `handled`.
    pub handled_ns: u64,
    /// Stage `sent`.
    pub sent_ns: u64,
    /// Stage `reply`.
    pub reply_ns: u64,
    /// Stage `queue`.
    pub queue_ns: u64,
    /// Stage `receive`; 0 if it was not read.
    pub receive_ns: u64,
    /// Stage `delivered`.
    pub delivered_ns: u64,
    /// Address of the reply's `sk_buff`.
    pub skb: u64,
    /// What `sendmsg()` returned: bytes, or a negative errno.
    pub result: i32,
    /// What `recvmsg()` returned: bytes, or a negative errno.
    pub receive_result: i32,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Port ID of the socket.
    pub portid: u32,
    /// Length of the request's datagram, in bytes.
    pub len: u32,
    /// Length of the reply's datagram, in bytes.
    pub reply_len: u32,
    /// The flags of the reading call.
    pub flags: u32,
    /// As in [`Delivery::copied`].
    pub copied: u32,
}

/// A message that a socket did not get (`netlink_overrun`), or one from the kernel that
/// `netlink_unicast` could not deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Loss {
    /// In which task it happened, and which socket lost a message.
    pub head: Head,
    /// When: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Port ID of the socket that lost it.
    pub portid: u32,
    /// A negative errno: what the sender got, or `-ENOBUFS` for an overrun.
    pub result: i32,
    /// 1 for an overrun of the receive queue, 0 for a failed `netlink_unicast`.
    pub overrun: u32,
    /// Inode number of the socket that lost it: leads to the processes that own it. 0 if the socket
    /// is closed, or not known.
    pub inode: u64,
}

/// The kernel's message on why it refused a request (`netlink:netlink_extack`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Extack {
    /// In which call.
    pub head: Head,
    /// When: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// The text, NUL-terminated; what follows the NUL is not initialised.
    pub text: [u8; EXTACK_SIZE],
}

/// A socket was closed (`netlink_release`): what is in its queue will never be read. If only
/// tracepoints are available, there is one for each message that the kernel then frees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Close {
    /// In which task, and which socket.
    pub head: Head,
    /// When: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
}

const _: () = {
    assert!(size_of::<Head>() == 48);
    assert!(size_of::<DatagramRecord>() == 32 + CAPTURE);
    assert!(CAPTURE + REST_SIZES[3] >= SNAPLEN_MAX);
    assert!(size_of::<RestHead>() == 24);
    assert!(size_of::<Request>() == 48 + 40 + 8 + size_of::<DatagramRecord>());
    assert!(size_of::<Message>() == 48 + 24 + size_of::<DatagramRecord>());
    assert!(size_of::<Delivery>() == 48 + 40);
    assert!(size_of::<RoundTrip>() == 48 + 80 + 32);
    assert!(REQUEST_HEAD == 128);
    assert!(size_of::<Loss>() == 48 + 32);
    assert!(size_of::<Close>() == 48 + 8);
    assert!(size_of::<Extack>() == 48 + 8 + EXTACK_SIZE);
};
