// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! In a summary, a request, its reply and the read of the reply are reported in one record, because
//! a record costs more than the timestamps in it. That is possible if there is a single reply and
//! the thread that sent the request reads it: then the thread's slot is kept until it does. In all
//! other cases the deferred records are emitted as usual, two of them: when a second reply comes,
//! when the thread does something else, when another thread needs the slot; and user space takes
//! what is left at the end from the map.
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

/// Defers the record of the first reply to the sender of a request. Returns whether it did. A
/// second reply ends the deferral.
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

/// At the end of the send: keeps the slot until the reply is read, if one was deferred.
#[inline(always)]
pub fn keep(call: *mut Call) -> bool {
    // SAFETY: the slot is this task's.
    SUMMARY.load() != 0
        && unsafe { (*call).answer_skb != 0 && (*call).request.unqueued == 0 }
        && call::turn(call, CallState::Sending, CallState::Waiting)
}

/// When a message is taken out: the slot that was kept for it.
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

/// Emits everything in one record, if this is the read that it was deferred for and not just a peek
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

/// Emits the deferred reply and its request separately, as outside of a summary.
#[inline(never)]
pub fn emit_separately(call: *mut Call) {
    tell_answer(call);
    // SAFETY: the slot is owned by no other task now.
    unsafe {
        (*call).answer_skb = 0;
        emit_request(&raw const (*call).request);
    }
}

/// Emits the deferred reply, if there is one, when its request is about to be emitted.
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

/// Emits only the reply.
#[inline(always)]
fn tell_answer(call: *mut Call) {
    let told: Result<(), Fault> = emit::<Message>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned, and every field that counts is written; the
        // slot is owned by no other task now.
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
    // Nothing in it is read from the kernel, so only the reservation can fail, which is counted.
    told.unwrap_or_default();
}
