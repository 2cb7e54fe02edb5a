// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the eBPF programs know of a call in progress. User space looks at it only when it stops,
//! for records that were deferred until the reply is read.

#[cfg(not(target_arch = "bpf"))]
use zerocopy::FromBytes;

use crate::event::Request;

/// How many calls can be in progress at a time.
pub const CALL_SLOTS: u32 = 4096;

/// What a slot's owner is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum CallState {
    /// It is in `netlink_sendmsg`.
    Sending = 1,
    /// It has taken a message out of a queue, in `netlink_recvmsg`.
    Reading = 2,
    /// The kernel is delivering a message of its own, outside of both.
    Handing = 3,
    /// It has sent a request, and the reply has not been read yet (in a summary only).
    Waiting = 4,
    /// Another thread is about to take a waiting thread's slot.
    Leaving = 5,
}

/// Configuration that user space passes to the programs attached to tracepoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct TracepointConfig {
    /// Start address of `netlink_sendmsg`; 0 if unknown, or if no program reports when a call ends.
    pub sendmsg_start: u64,
    /// Its end address (exclusive).
    pub sendmsg_end: u64,
    /// Not 0: reads are traced.
    pub reads: u64,
    /// Not 0: the end of a reading call is reported.
    pub delivered: u64,
    /// Not 0: taking a buffer out of its queue is recorded.
    pub forgets: u64,
}

const _: () = assert!(size_of::<TracepointConfig>() == 5 * 8);

/// What is known of a call.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_arch = "bpf"), derive(FromBytes))]
#[repr(C)]
pub struct Call {
    /// Thread ID of the task it belongs to, 0 for a free slot.
    pub owner: u64,
    /// A [`CallState`].
    pub doing: u64,
    /// Counts the slot's owners.
    pub generation: u32,
    /// How many messages have been put into the sender's own queue during the call.
    pub answers: u32,
    /// The buffer with which `netlink_unicast` was entered for the kernel.
    pub reply_skb: u64,
    /// When that was, ns.
    pub reply_ns: u64,
    /// The kernel socket that sent it.
    pub reply_sock: u64,
    /// The port ID it is addressed to.
    pub reply_portid: u32,
    /// Length of the first reply, bytes.
    pub answer_len: u32,
    /// The buffer of the first reply if its record is deferred until it is read, else 0.
    pub answer_skb: u64,
    /// When `netlink_unicast` was entered with it, ns.
    pub answer_reply_ns: u64,
    /// When it was queued, ns.
    pub answer_queue_ns: u64,
    /// The socket being read from.
    pub receive_sock: u64,
    /// The buffer that was taken out of the queue.
    pub receive_skb: u64,
    /// When that was, ns.
    pub receive_ns: u64,
    /// The protocol of the socket being read from.
    pub receive_protocol: u32,
    /// Whether the buffer was still in the queue then; set only by `receive_kretprobe`.
    pub receive_peeked: u32,
    /// How many bytes of it were copied, as `copied` saw it: [`crate::event::Delivery::copied`].
    pub receive_copied: u32,
    /// Explicit padding.
    pub padding: u32,
    /// The sender's `struct msghdr`; set only by `send_kprobe`.
    pub message: u64,
    /// The request, filled stage by stage.
    pub request: Request,
}
