// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `receive`: the reader took a message out of the queue. A reading call starts.
#![expect(
    unsafe_code,
    reason = "records and slots are reached through raw pointers"
)]

use aya_ebpf::{
    helpers::bpf_get_current_pid_tgid,
    macros::{fexit, kretprobe},
    programs::{FExitContext, RetProbeContext},
};
use greet_common::{
    call::{Call, CallState},
    event::{LEN_UNKNOWN, Message, RecordKind},
};

use super::{delivered::MSG_PEEK, report_fault};
use crate::{
    call,
    continuation::RestKey,
    emit::{count_drop, emit},
    filter::{by_port, by_task, wanted_netns, wanted_port, wanted_protocol, wanted_task},
    read::{Direct, Fault, Memory, Probed, Skb, Sock},
    record::{self, Ends},
    round_trip,
    task::Task,
};

/// `AF_NETLINK`.
pub(super) const AF_NETLINK: u16 = 16;

/// `netlink_recvmsg` calls it, but so do the `recvmsg` functions of other families.
///
/// proto: net/core/datagram.c: struct sk_buff *skb_recv_datagram(struct sock *sk, unsigned int flags, int *err)
#[fexit(function = "skb_recv_datagram")]
fn receive(ctx: FExitContext) -> i32 {
    report_fault!(&ctx, try_receive(&ctx));
    0
}

#[inline(always)]
fn try_receive(ctx: &FExitContext) -> Result<(), Fault> {
    // The three arguments are followed by the function's return value.
    let skb: u64 = ctx.arg(3);
    let flags: u32 = ctx.arg(1);
    if let Some(call) = take::<Direct>(Sock(ctx.arg(0)), Skb(skb as *const u8))? {
        // SAFETY: the slot is this task's.
        unsafe {
            (*call).receive_peeked = flags & MSG_PEEK;
            (*call).receive_copied = LEN_UNKNOWN;
        }
    }
    Ok(())
}

/// The same if the kernel has no fexit, or if its programs may be skipped: then both are attached,
/// and the other one comes first. The buffer shows whose queue it was.
#[kretprobe]
fn receive_kretprobe(ctx: RetProbeContext) -> u32 {
    let skb = Skb(ctx.ret::<u64>() as *const u8);
    if !skb.0.is_null()
        && let Ok(sock) = skb.sock::<Probed>()
        && !sock.0.is_null()
    {
        report_fault!(&ctx, try_receive_kretprobe(sock, skb));
    }
    0
}

#[inline(always)]
fn try_receive_kretprobe(sock: Sock, skb: Skb) -> Result<(), Fault> {
    let tid = bpf_get_current_pid_tgid() as u32;
    // SAFETY: the slot is this task's.
    let is_taken = call::current_if(tid, CallState::Reading).is_some_and(|call| unsafe {
        (*call).receive_skb == skb.0 as u64 && (*call).receive_sock == sock.0 as u64
    });
    if is_taken {
        return Ok(());
    }
    let Some(call) = take::<Probed>(sock, skb)? else {
        return Ok(());
    };
    let peeked = skb.is_queued::<Probed>()?;
    // SAFETY: the slot is this task's.
    unsafe {
        (*call).receive_peeked = u32::from(peeked);
        (*call).receive_copied = LEN_UNKNOWN;
    }
    Ok(())
}

#[inline(always)]
fn take<M: Memory>(sock: Sock, skb: Skb) -> Result<Option<*mut Call>, Fault> {
    if sock.family::<M>()? != AF_NETLINK {
        return Ok(None);
    }
    let protocol = sock.protocol::<M>()?;
    if !wanted_protocol(protocol) || skb.0.is_null() || !wanted_netns::<M>(sock)? {
        return Ok(None);
    }
    let task = Task::current()?;
    if !wanted_task(&task)? {
        return Ok(None);
    }
    if by_port() && !wanted_port(skb.portid::<Probed>()?, sock.portid()?) {
        return Ok(None);
    }
    let resumed = round_trip::resume(&task, sock, skb);
    let Some(call) = resumed.or_else(|| call::enter(&task, CallState::Reading)) else {
        count_drop();
        return Ok(None);
    };
    // SAFETY: the slot is this task's.
    unsafe {
        (*call).receive_sock = sock.0 as u64;
        (*call).receive_protocol = protocol;
        (*call).receive_skb = skb.0 as u64;
        (*call).receive_ns = record::now();
        if by_task() && resumed.is_none() {
            tell_message::<M, Probed>(sock, skb, &task, (*call).request.head.call)?;
        }
    }
    Ok(Some(call))
}

/// Another task may have queued the message, unseen: then this is the first sight of it. User space
/// knows whether it has seen it before.
///
/// The socket is read through `S`, the buffer through `B`.
#[inline(always)]
pub(super) fn tell_message<S: Memory, B: Memory>(
    sock: Sock,
    skb: Skb,
    task: &Task,
    call: u64,
) -> Result<(), Fault> {
    let ends = Ends {
        portid: skb.portid::<B>()?,
        peer_portid: sock.portid()?,
    };
    let key = RestKey {
        sock: sock.0 as u64,
        id: skb.0 as u64,
    };
    let rest = skb.rest::<B>(key)?;
    emit::<Message>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written.
        unsafe {
            let protocol = sock.protocol::<S>()?;
            record::head(
                &raw mut (*to).head,
                RecordKind::Message,
                protocol,
                task,
                sock,
            )?;
            (&raw mut (*to).head.call).write(call);
            (&raw mut (*to).skb).write(skb.0 as u64);
            (&raw mut (*to).reply_ns).write(0);
            (&raw mut (*to).queue_ns).write(0);
            record::datagram::<S, B>(&raw mut (*to).datagram, sock, skb, ends, rest)
        }
    })
}
