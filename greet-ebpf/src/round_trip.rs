// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! In a summary, a request, its answer and the answer's reading are told in one record, for
//! a record costs more than the stamps in it. That is possible where there is one answer and
//! the thread that asked reads it: then the thread's slot is kept until it does. In every
//! other case what was put off is told as always, in two records: when a second answer
//! comes, when the thread does something else, when another thread needs the slot; and what
//! is left at the end user space takes from the map.
#![expect(
    unsafe_code,
    reason = "records and slots are reached through raw pointers"
)]

use greet_common::{
    call::{Call, CallState},
    event::{Head, Message, RecordKind, RoundTrip},
};

use crate::{
    call,
    emit::{emit, emit_request},
    globals::SUMMARY,
    probes::Read,
    read::{Fault, Memory, Skb, Sock},
    record::now,
    task::Task,
};

/// Puts off the telling of the first answer to the sender of a request. Returns whether it
/// did. A second one ends the putting off.
#[inline(always)]
pub fn defer<M: Memory>(call: *mut Call, sock: Sock, skb: Skb) -> Result<bool, Fault> {
    if SUMMARY.load() == 0 {
        return Ok(false);
    }
    // SAFETY: the slot is this task's.
    unsafe {
        let is_answer = (*call).doing == CallState::Sending as u64
            && (*call).request.head.sock == sock.0 as u64
            && (*call).reply_skb == skb.0 as u64;
        (*call).answers += 1;
        if is_answer && (*call).answers == 1 {
            (*call).answer_skb = skb.0 as u64;
            (*call).answer_len = skb.len::<M>()?;
            (*call).answer_reply_ns = (*call).reply_ns;
            (*call).answer_queue_ns = now();
            return Ok(true);
        }
        if (*call).answer_skb != 0 {
            tell_answer(call);
            (*call).answer_skb = 0;
        }
    }
    Ok(false)
}

/// At the end of the sending: keeps the slot until the answer is read, if one was put off.
#[inline(always)]
pub fn keep(call: *mut Call) -> bool {
    // SAFETY: the slot is this task's.
    SUMMARY.load() != 0
        && unsafe { (*call).answer_skb != 0 && (*call).request.unqueued == 0 }
        && call::turn(call, CallState::Sending, CallState::Waiting)
}

/// At the taking out of a message: the slot that was kept for it.
#[inline(always)]
pub fn resume(task: &Task, sock: Sock, skb: Skb) -> Option<*mut Call> {
    if SUMMARY.load() == 0 {
        return None;
    }
    let call = call::current_if(task.tid, CallState::Waiting)?;
    // SAFETY: the pointer is into the map's memory, which is always valid.
    let is_it =
        unsafe { (*call).answer_skb == skb.0 as u64 && (*call).request.head.sock == sock.0 as u64 };
    (is_it && call::turn(call, CallState::Waiting, CallState::Reading)).then_some(call)
}

/// Tells all at once, where this is the reading that it was put off for and not a mere look
/// at the message. Returns whether it did.
#[inline(always)]
pub fn tell(call: *mut Call, read: Read, peeked: bool) -> Result<bool, Fault> {
    // SAFETY: the slot is this task's.
    if SUMMARY.load() == 0 || unsafe { (*call).answer_skb } == 0 {
        return Ok(false);
    }
    if peeked {
        emit_separately(call);
        return Ok(false);
    }
    emit::<RoundTrip>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned, and every field is written; the
        // slot is this task's.
        unsafe {
            let request = &raw const (*call).request;
            (&raw mut (*to).head).write((*request).head);
            (&raw mut (*to).head.kind).write(RecordKind::RoundTrip as u32);
            (&raw mut (*to).send_ns).write((*request).send_ns);
            (&raw mut (*to).cross_ns).write((*request).cross_ns);
            (&raw mut (*to).handle_ns).write((*request).handle_ns);
            (&raw mut (*to).handled_ns).write((*request).handled_ns);
            (&raw mut (*to).sent_ns).write((*request).sent_ns);
            (&raw mut (*to).reply_ns).write((*call).answer_reply_ns);
            (&raw mut (*to).queue_ns).write((*call).answer_queue_ns);
            (&raw mut (*to).receive_ns).write((*call).receive_ns);
            (&raw mut (*to).skb).write((*call).answer_skb);
            (&raw mut (*to).result).write((*request).result);
            (&raw mut (*to).receive_result).write(read.result);
            (&raw mut (*to).netns).write((*request).datagram.netns);
            (&raw mut (*to).portid).write((*request).datagram.portid);
            (&raw mut (*to).len).write((*request).datagram.len);
            (&raw mut (*to).reply_len).write((*call).answer_len);
            (&raw mut (*to).flags).write(read.flags);
            (&raw mut (*to).copied).write(read.copied);
            (&raw mut (*to).delivered_ns).write(now());
        }
        Ok(())
    })?;
    Ok(true)
}

/// Tells the answer that was put off, and its request, as they are told outside of a summary.
#[inline(never)]
pub fn emit_separately(call: *mut Call) {
    tell_answer(call);
    // SAFETY: the slot is nobody else's now.
    unsafe {
        (*call).answer_skb = 0;
        emit_request(&raw const (*call).request);
    }
}

/// Tells the answer that was put off, if one was, where its request is about to be told.
#[inline(always)]
pub fn emit_deferred_answer(call: *mut Call) {
    if SUMMARY.load() == 0 {
        return;
    }
    // SAFETY: the slot is this task's.
    unsafe {
        if (*call).answer_skb != 0 {
            tell_answer(call);
            (*call).answer_skb = 0;
        }
    }
}

/// Tells the answer alone.
#[inline(always)]
fn tell_answer(call: *mut Call) {
    let told: Result<(), Fault> = emit::<Message>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned, and every field that counts is
        // written; the slot is nobody else's now.
        unsafe {
            let head: Head = (*call).request.head;
            (&raw mut (*to).head).write(head);
            (&raw mut (*to).head.kind).write(RecordKind::Message as u32);
            (&raw mut (*to).skb).write((*call).answer_skb);
            (&raw mut (*to).reply_ns).write((*call).answer_reply_ns);
            (&raw mut (*to).queue_ns).write((*call).answer_queue_ns);
            let datagram = &raw mut (*to).datagram;
            (&raw mut (*datagram).netns).write((*call).request.datagram.netns);
            (&raw mut (*datagram).portid).write(0);
            (&raw mut (*datagram).peer_portid).write((*call).request.datagram.portid);
            (&raw mut (*datagram).group).write(0);
            (&raw mut (*datagram).len).write((*call).answer_len);
            (&raw mut (*datagram).captured).write(0);
            (&raw mut (*datagram).rest).write(0);
            (&raw mut (*datagram).mark).write(0);
        }
        Ok(())
    });
    // Nothing in it is read from the kernel, so nothing can fail but the reservation, which
    // is counted.
    told.unwrap_or_default();
}
