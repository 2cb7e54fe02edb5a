// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the eBPF programs know of a call that is under way. User space looks at it only when
//! it stops: for what would have been told at the answer's reading.

use crate::event::Request;

/// How many calls can be under way.
pub const CALL_SLOTS: u32 = 4096;

/// What a slot's owner is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum CallState {
    /// It is in `netlink_sendmsg`.
    Sending = 1,
    /// It has taken a message out of a queue, in `netlink_recvmsg`.
    Reading = 2,
    /// The kernel hands over a message of its own, outside of both.
    Handing = 3,
    /// It has sent a request, and the answer waits to be read (in a summary only).
    Waiting = 4,
    /// Somebody else is about to take the slot of a waiting one.
    Leaving = 5,
}

/// What user space tells the programs that are attached to tracepoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct TracepointConfig {
    /// Address at which `netlink_sendmsg` begins; 0 if it is not known, or if nobody tells
    /// when a call ends.
    pub sendmsg_start: u64,
    /// Address of what comes behind it.
    pub sendmsg_end: u64,
    /// Not 0: reading is asked for.
    pub reads: u64,
    /// Not 0: the end of a reading call is told.
    pub delivered: u64,
    /// Not 0: it is put down when a buffer is taken out of its queue.
    pub forgets: u64,
}

const _: () = assert!(size_of::<TracepointConfig>() == 5 * 8);

/// What is known of a call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Call {
    /// Thread ID of the task it belongs to, 0 for a free slot.
    pub owner: u64,
    /// A [`CallState`].
    pub doing: u64,
    /// Counts the slot's owners.
    pub generation: u32,
    /// How many messages were put into the sender's own queue meanwhile.
    pub answers: u32,
    /// The buffer that `netlink_unicast` was entered with for the kernel.
    pub reply_skb: u64,
    /// When that was, ns.
    pub reply_ns: u64,
    /// The kernel's socket that it comes from.
    pub reply_sock: u64,
    /// The port ID it is for.
    pub reply_portid: u32,
    /// The length of the first answer, bytes.
    pub answer_len: u32,
    /// The buffer of the first answer, if its telling waits for its reading; else 0.
    pub answer_skb: u64,
    /// When it was handed over, ns.
    pub answer_reply_ns: u64,
    /// When it was queued, ns.
    pub answer_queue_ns: u64,
    /// The socket that is read from.
    pub receive_sock: u64,
    /// The buffer that was taken out of the queue.
    pub receive_skb: u64,
    /// When that was, ns.
    pub receive_ns: u64,
    /// The protocol of the socket that is read from.
    pub receive_protocol: u32,
    /// Whether the buffer was still in the queue then; known to `receive_kretprobe` only.
    pub receive_peeked: u32,
    /// How many bytes of it were copied, as `copied` saw it: [`crate::event::Delivery::copied`].
    pub receive_copied: u32,
    /// Explicit padding.
    pub padding: u32,
    /// The sender's `struct msghdr`; known to `send_kprobe` only.
    pub message: u64,
    /// The request, filled stage by stage.
    pub request: Request,
}
