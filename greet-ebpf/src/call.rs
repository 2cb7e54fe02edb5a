// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The calls that are under way: what one stage leaves for the next.
//!
//! A message's stages lie in one system call of one task, so what is known so far is kept
//! in a slot that the task owns from the call's begin to its end. The slot is found by the
//! thread ID: one look-up in an array, for 15 instructions, where a hash map takes 110.
//! Two threads whose IDs lead to the same slot use the next one; where that is taken as
//! well (it would take three calls at once, 4,096 IDs apart), the call counts as dropped.
#![expect(
    unsafe_code,
    reason = "a slot is reached through the map's raw pointer"
)]

use core::intrinsics::{AtomicOrdering, atomic_cxchg};

use greet_common::event::Request;

use crate::{
    maps::{CALL_SLOTS, CALLS},
    task::Task,
};

/// What a slot's owner is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Doing {
    /// It is in `netlink_sendmsg`.
    Sending = 1,
    /// It has taken a message out of a queue, in `netlink_recvmsg`.
    Reading = 2,
    /// The kernel hands over a message of its own, outside of both.
    Handing = 3,
}

/// What is known of a call.
#[repr(C)]
pub struct Call {
    /// Thread ID of the task it belongs to, 0 for a free slot.
    owner: u64,
    /// Counts the slot's owners.
    generation: u32,
    /// A [`Doing`].
    doing: u32,
    /// The request, filled stage by stage.
    pub request: Request,
    /// The buffer that `netlink_unicast` was entered with for the kernel.
    pub reply_skb: u64,
    /// When that was, ns.
    pub reply_ns: u64,
    /// The port ID it is for.
    pub reply_portid: u32,
    /// The protocol of the socket that is read from.
    pub receive_protocol: u32,
    /// The kernel's socket that it comes from.
    pub reply_sock: u64,
    /// The socket that is read from.
    pub receive_sock: u64,
    /// The buffer that was taken out of the queue.
    pub receive_skb: u64,
    /// When that was, ns.
    pub receive_ns: u64,
    /// Whether it was still in the queue then; known to `receive_kretprobe` only.
    pub receive_peeked: u64,
}

/// The slot that this thread looks at first, or second.
#[inline(always)]
fn slot(tid: u32, second: u32) -> Option<*mut Call> {
    CALLS.get_ptr_mut((tid ^ second) & (CALL_SLOTS - 1))
}

/// The task's call, if one that is watched is under way.
#[inline(always)]
pub fn current(tid: u32) -> Option<*mut Call> {
    let first = slot(tid, 0)?;
    // SAFETY: the pointer is into the map's memory, which is always valid.
    if unsafe { owner(first) } == u64::from(tid) {
        return Some(first);
    }
    let second = slot(tid, 1)?;
    // SAFETY: as above.
    (unsafe { owner(second) } == u64::from(tid)).then_some(second)
}

/// The same, if the task is doing this: a slot may be left over from a call whose end the
/// kernel kept from us.
#[inline(always)]
pub fn current_if(tid: u32, doing: Doing) -> Option<*mut Call> {
    // SAFETY: the slot is this task's.
    current(tid).filter(|call| unsafe { (**call).doing } == doing as u32)
}

/// The number of the task's call; 0 if none that is watched is under way.
#[inline(always)]
pub fn number(tid: u32) -> u64 {
    // SAFETY: the slot is this task's.
    current(tid).map_or(0, |call| unsafe { (*call).request.head.call })
}

/// Takes a slot for a call of this task; `None` where both are taken. The message that the
/// kernel hands over outside of a call belongs to none: its number is 0.
#[inline(always)]
pub fn enter(task: &Task, doing: Doing) -> Option<*mut Call> {
    let mut call = slot(task.tid, 0)?;
    if !take(call, task.tid) {
        call = slot(task.tid, 1)?;
        if !take(call, task.tid) {
            return None;
        }
    }
    // SAFETY: the slot is this task's, and nobody else writes to it until it is left.
    unsafe {
        (*call).generation = (*call).generation.wrapping_add(1);
        (*call).doing = doing as u32;
        (*call).request.head.call = match doing {
            Doing::Handing => 0,
            _ => u64::from((*call).generation) << 32 | u64::from(task.tid),
        };
        (*call).reply_skb = 0;
        (*call).receive_skb = 0;
    }
    Some(call)
}

/// The slot's owner as it is now: another CPU may change it at any time.
///
/// # Safety
/// The pointer must be into the map's memory.
#[inline(always)]
unsafe fn owner(call: *const Call) -> u64 {
    // SAFETY: the caller answers for the pointer.
    unsafe { (&raw const (*call).owner).read_volatile() }
}

/// Makes the slot this thread's, if it is free, at once for all CPUs.
///
/// The intrinsic, because the target's atomic types have no such method: the first version
/// of BPF lacked the instruction. Every kernel that fexit and the ring buffer need has it
/// (`BPF_CMPXCHG`, Linux 5.12).
#[inline(always)]
fn take(call: *mut Call, tid: u32) -> bool {
    const RELAXED: AtomicOrdering = AtomicOrdering::Relaxed;
    let tid = u64::from(tid);
    // SAFETY: the pointer is into the map's memory, and the number there is aligned.
    unsafe {
        // It may still be this task's: the program that frees it was not attached yet.
        owner(call) == tid || atomic_cxchg::<_, RELAXED, RELAXED>(&raw mut (*call).owner, 0, tid).1
    }
}

/// Gives the slot back.
#[inline(always)]
pub fn leave(call: *mut Call) {
    // SAFETY: the pointer is into the map's memory, which is always valid.
    unsafe { (&raw mut (*call).owner).write_volatile(0) };
}
