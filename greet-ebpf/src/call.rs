// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The calls in progress: what one stage leaves for the next.
//!
//! All stages of a message are in one system call of one task, so what is known so far is kept in a
//! slot that the task owns from the start of the call to its end. The slot is found by the thread
//! ID: one array lookup, for 15 instructions, whereas a hash map takes 110. Two threads whose IDs
//! map to the same slot use the next one; if that is taken too (it would take three calls at once,
//! 4,096 IDs apart), the call counts as dropped.
//!
//! In a summary a slot may be kept longer, until the reply is read: see [`crate::round_trip`].
#![expect(
    unsafe_code,
    reason = "a slot is reached through the map's raw pointer"
)]

use core::intrinsics::{AtomicOrdering, atomic_cxchg};

use greet_common::call::{CALL_SLOTS, Call, CallState};

use crate::{globals::SUMMARY, maps::CALLS, round_trip, task::Task};

/// The slot that this thread tries first, or second.
#[inline(always)]
fn slot(tid: u32, second: u32) -> Option<*mut Call> {
    CALLS.get_ptr_mut((tid ^ second) & (CALL_SLOTS - 1))
}

/// The slot that this thread owns.
#[inline(always)]
fn owned(tid: u32) -> Option<*mut Call> {
    let first = slot(tid, 0)?;
    if owner(first) == u64::from(tid) {
        return Some(first);
    }
    let second = slot(tid, 1)?;
    (owner(second) == u64::from(tid)).then_some(second)
}

/// The task's call, if a traced one is in progress.
#[inline(always)]
pub fn current(tid: u32) -> Option<*mut Call> {
    let call = owned(tid)?;
    let is_over = SUMMARY.load() != 0 && doing(call) >= CallState::Waiting as u64;
    (!is_over).then_some(call)
}

/// The same, if the task is in this state: a slot may be left over from a call whose end the hooks
/// missed.
#[inline(always)]
pub fn current_if(tid: u32, wanted: CallState) -> Option<*mut Call> {
    owned(tid).filter(|call| doing(*call) == wanted as u64)
}

/// The number of the task's call; 0 if no traced one is in progress.
#[inline(always)]
pub fn number(tid: u32) -> u64 {
    // SAFETY: the slot is this task's.
    current(tid).map_or(0, |call| unsafe { (*call).request.head.call })
}

/// Takes a slot for a call of this task; `None` if both are taken. A message that the kernel
/// delivers outside of a call belongs to none: its number is 0.
#[inline(always)]
pub fn enter(task: &Task, doing: CallState) -> Option<*mut Call> {
    let mut call = slot(task.tid, 0)?;
    if !take(call, task.tid) {
        call = slot(task.tid, 1)?;
        if !take(call, task.tid) && !evict(call, task.tid) {
            return None;
        }
    }
    // SAFETY: the slot is this task's, and no other task writes to it until it is released.
    unsafe {
        (*call).generation = (*call).generation.wrapping_add(1);
        (&raw mut (*call).doing).write_volatile(doing as u64);
        (*call).request.head.call = match doing {
            CallState::Handing => 0,
            _ => u64::from((*call).generation) << 32 | u64::from(task.tid),
        };
        (*call).reply_skb = 0;
        (*call).receive_skb = 0;
        if SUMMARY.load() != 0 {
            (*call).answers = 0;
            (*call).answer_skb = 0;
        }
    }
    Some(call)
}

/// The slot's current owner: another CPU may change it at any time.
#[inline(always)]
fn owner(call: *const Call) -> u64 {
    // SAFETY: the pointer is into the map's memory, which is always valid.
    unsafe { (&raw const (*call).owner).read_volatile() }
}

/// What its owner is doing.
#[inline(always)]
fn doing(call: *const Call) -> u64 {
    // SAFETY: the pointer is into the map's memory, which is always valid.
    unsafe { (&raw const (*call).doing).read_volatile() }
}

/// Makes this thread the slot's owner, if the slot is free. The thread may own it already: the
/// program that frees it was not attached yet, or it was kept for a reply that is not being read
/// now.
#[inline(always)]
fn take(call: *mut Call, tid: u32) -> bool {
    let tid = u64::from(tid);
    if owner(call) == tid {
        return SUMMARY.load() == 0
            || doing(call) < CallState::Waiting as u64
            || flush_deferred(call);
    }
    // SAFETY: the pointer is into the map's memory, and the number there is aligned.
    unsafe { exchange(&raw mut (*call).owner, 0, tid) }
}

/// Takes the slot of another thread whose reply has not been read yet.
#[inline(always)]
fn evict(call: *mut Call, tid: u32) -> bool {
    if SUMMARY.load() == 0 || !flush_deferred(call) {
        return false;
    }
    // SAFETY: the pointer is into the map's memory, and no other thread can take it now.
    unsafe { (&raw mut (*call).owner).write_volatile(u64::from(tid)) };
    true
}

/// Emits what was deferred until the reply is read.
#[inline(always)]
fn flush_deferred(call: *mut Call) -> bool {
    let is_ours = turn(call, CallState::Waiting, CallState::Leaving);
    if is_ours {
        round_trip::emit_separately(call);
    }
    is_ours
}

/// Changes the state from `from` to `to` if it is `from`, atomically across all CPUs.
#[inline(always)]
pub fn turn(call: *mut Call, from: CallState, to: CallState) -> bool {
    // SAFETY: the pointer is into the map's memory, and the number there is aligned.
    unsafe { exchange(&raw mut (*call).doing, from as u64, to as u64) }
}

/// The intrinsic, because the target's atomic types have no such method: the first version of BPF
/// lacked the instruction. Every kernel that has fexit and the ring buffer has it (`BPF_CMPXCHG`,
/// Linux 5.12).
///
/// # Safety
/// The pointer must be into a map's memory and aligned.
#[inline(always)]
unsafe fn exchange(at: *mut u64, from: u64, to: u64) -> bool {
    const RELAXED: AtomicOrdering = AtomicOrdering::Relaxed;
    // SAFETY: the caller guarantees the pointer.
    unsafe { atomic_cxchg::<_, RELAXED, RELAXED>(at, from, to).1 }
}

/// Releases the slot.
#[inline(always)]
pub fn leave(call: *mut Call) {
    // SAFETY: the pointer is into the map's memory, which is always valid.
    unsafe { (&raw mut (*call).owner).write_volatile(0) };
}
