// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `queue`: a message is in a user socket's receive queue, and its owner is woken.
//!
//! The tracepoint gives only the socket. `__netlink_sendskb` has just put the message at the end of
//! the queue, so it is there, unless another task was faster: a reader has taken it, or another
//! sender has queued one after it. Then the message at the end still belongs to this queue, but
//! perhaps to another task. So each socket remembers the buffer that was reported last: one that is
//! seen twice is reported once, and if an unreported one precedes it, it is reported without a task
//! and a call. What is not reported here is reported when it is read.
#![expect(
    unsafe_code,
    reason = "records and slots are reached through raw pointers"
)]

use core::{
    ffi::c_void,
    intrinsics::{AtomicOrdering, atomic_cxchg},
    ptr,
};

use aya_ebpf::{
    bindings::BPF_SK_STORAGE_GET_F_CREATE, helpers::generated::bpf_sk_storage_get,
    macros::btf_tracepoint, programs::BtfTracePointContext,
};
use greet_common::{
    call::CallState,
    event::{Message, RecordKind},
};

use super::{config, sending};
use crate::{
    call,
    continuation::RestKey,
    emit::emit_if,
    filter::{by_task, wanted_netns, wanted_port, wanted_protocol, wanted_task},
    maps::{QUEUE_STATES, QueueState},
    probes::{receive::AF_NETLINK, report_fault},
    read::{Direct, Fault, Skb, Sock},
    record::{self, Ends},
    task::Task,
};

/// For how many more messages the sending task is uncertain after one was skipped: its own event
/// may still come.
const DOUBT: u64 = 7;
/// How often to retry if others report something at the same time.
const TRIES: u32 = 3;

/// proto: include/trace/events/sock.h: void sk_data_ready(const struct sock *sk)
#[btf_tracepoint(function = "sk_data_ready")]
fn queue_tp(ctx: BtfTracePointContext) -> i32 {
    report_fault!(&ctx, try_queue_tp(&ctx, Sock(ctx.arg(0))));
    0
}

#[inline(always)]
fn try_queue_tp(ctx: &BtfTracePointContext, sock: Sock) -> Result<(), Fault> {
    if sock.family::<Direct>()? != AF_NETLINK {
        return Ok(());
    }
    // Before the message is examined: a reader comes later, or it is not reported here.
    let queue_ns = record::now();
    let protocol = sock.protocol::<Direct>()?;
    if !wanted_protocol(protocol) {
        return Ok(());
    }
    let Some((skb, is_ours)) = claim(sock)? else {
        return Ok(());
    };
    let task = Task::current()?;
    if !wanted_task(&task)? || !wanted_netns::<Direct>(sock)? || by_task() && !is_ours {
        return Ok(());
    }
    let ends = Ends {
        portid: skb.portid::<Direct>()?,
        peer_portid: sock.portid()?,
    };
    if !wanted_port(ends.portid, ends.peer_portid) {
        return Ok(());
    }
    let mut number = 0;
    if is_ours {
        // The next chunk of a dump is built in its reader's call.
        let reading = call::current_if(task.tid, CallState::Reading);
        if let Some(call) = reading.or_else(|| sending(ctx, &task)) {
            let group = skb.group::<Direct>()?;
            // SAFETY: the slot is this task's.
            unsafe {
                number = (*call).request.head.call;
                if reading.is_none() && ends.portid != 0 && group == 0 {
                    // It is the request itself, for another process.
                    (*call).request.datagram.peer_portid = ends.peer_portid;
                }
            }
        }
    }
    let key = RestKey {
        sock: sock.0 as u64,
        id: skb.0 as u64,
    };
    let rest = skb.rest::<Direct>(key)?;
    emit_if::<Message>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written.
        unsafe {
            record::head(
                &raw mut (*to).head,
                RecordKind::Message,
                protocol,
                &task,
                sock,
            )?;
            (&raw mut (*to).head.call).write(number);
            if !is_ours {
                (&raw mut (*to).head.pid).write(0);
                (&raw mut (*to).head.tid).write(0);
                (&raw mut (*to).head.comm).cast::<[u64; 2]>().write([0; 2]);
            }
            (&raw mut (*to).skb).write(skb.0 as u64);
            (&raw mut (*to).reply_ns).write(0);
            record::datagram::<Direct, Direct>(&raw mut (*to).datagram, sock, skb, ends, rest)?;
            (&raw mut (*to).queue_ns).write(queue_ns);
        }
        // A buffer that was taken out in the meantime may be freed: then these are not its bytes.
        skb.is_queued::<Direct>()
    })
}

/// The message that was queued last, if not reported yet, and whether it certainly comes from the
/// running task: no other was queued since the last one that was reported.
#[inline(always)]
fn claim(sock: Sock) -> Result<Option<(Skb, bool)>, Fault> {
    let told = told(sock);
    for _ in 0..TRIES {
        // Before the queue is examined: a concurrent report changes it.
        let (last, doubt) = if told.is_null() { (0, 0) } else { read(told) };
        let Some(skb) = sock.last_queued::<Direct>()? else {
            if !told.is_null() && last == 0 {
                // Ours was taken out before it was reported.
                set_doubt(told, 0);
            }
            return Ok(None);
        };
        if told.is_null() {
            return Ok(Some((skb, false)));
        }
        if last == skb.0 as u64 {
            if config().is_none_or(|config| config.forgets == 0) {
                // No program reports when a buffer is taken out, so another message may be in it.
                return Ok(Some((skb, false)));
            }
            // Ours was reported already, or another in its place.
            set_doubt(told, 0);
            return Ok(None);
        }
        let before = skb.before::<Direct>(sock)?;
        let follows = before.is_none_or(|before| before.0 as u64 == last);
        if exchange(told, last, skb.0 as u64) {
            set_doubt(
                told,
                if follows {
                    doubt.saturating_sub(1)
                } else {
                    DOUBT
                },
            );
            return Ok(Some((skb, follows && doubt == 0)));
        }
    }
    Ok(None)
}

/// The buffer was taken out of the queue: from now on another message may be in it. Messages are
/// taken out in the order in which they came, so if none of the reported ones is left, this one was
/// not reported.
#[inline(always)]
pub(super) fn forget(sock: Sock, skb: Skb) {
    let told = told(sock);
    if told.is_null() {
        return;
    }
    let is_it = exchange(told, skb.0 as u64, 0);
    if !is_it && read(told).0 == 0 {
        set_doubt(told, DOUBT);
    }
}

/// The current values: another CPU may change them at any time.
#[inline(always)]
fn read(told: *const QueueState) -> (u64, u64) {
    // SAFETY: the pointer is into the map's memory, which is valid, and aligned.
    unsafe {
        (
            (&raw const (*told).buffer).read_volatile(),
            (&raw const (*told).doubt).read_volatile(),
        )
    }
}

/// Replaces the buffer if it is `from`. Returns whether it did.
#[inline(always)]
fn exchange(told: *mut QueueState, from: u64, to: u64) -> bool {
    const RELAXED: AtomicOrdering = AtomicOrdering::Relaxed;
    // SAFETY: the pointer is into the map's memory, which is valid, and aligned.
    unsafe { atomic_cxchg::<_, RELAXED, RELAXED>(&raw mut (*told).buffer, from, to).1 }
}

#[inline(always)]
fn set_doubt(told: *mut QueueState, doubt: u64) {
    // SAFETY: as above.
    unsafe { (&raw mut (*told).doubt).write_volatile(doubt) };
}

/// Where the socket remembers the buffer that was reported last; null if there is no memory.
#[inline(always)]
fn told(sock: Sock) -> *mut QueueState {
    let map = (&raw const QUEUE_STATES).cast_mut().cast::<c_void>();
    let (sock, create) = (sock.0.cast_mut().cast(), BPF_SK_STORAGE_GET_F_CREATE);
    // SAFETY: the map's values are such; the verifier checks the pointer to the socket.
    unsafe { bpf_sk_storage_get(map, sock, ptr::null_mut(), create.into()) }.cast()
}
