// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `receive`: the reader took a message out of the queue and is about to copy it.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use greet_common::call::CallState;

use super::{config, queue::forget};
use crate::{
    call,
    emit::count_drop,
    filter::{by_port, wanted_netns, wanted_port, wanted_protocol, wanted_task},
    probes::{
        delivered::{MSG_PEEK, Read, end},
        receive::{AF_NETLINK, tell_message},
        report_fault,
    },
    read::{Direct, Fault, Skb},
    record,
    task::Task,
};

/// proto: include/trace/events/skb.h: void skb_copy_datagram_iovec(const struct sk_buff *skb, int len)
#[btf_tracepoint(function = "skb_copy_datagram_iovec")]
fn receive_tp(ctx: BtfTracePointContext) -> i32 {
    report_fault!(&ctx, try_receive_tp(Skb(ctx.arg(0)), ctx.arg(1)));
    0
}

/// Whether the message was reported when it was queued is not known here, so it is reported again:
/// user space knows.
#[inline(always)]
fn try_receive_tp(skb: Skb, len: i32) -> Result<(), Fault> {
    let sock = skb.sock::<Direct>()?;
    if sock.0.is_null() || sock.family::<Direct>()? != AF_NETLINK {
        return Ok(());
    }
    let receive_ns = record::now();
    let protocol = sock.protocol::<Direct>()?;
    if !wanted_protocol(protocol) {
        return Ok(());
    }
    let peeked = skb.is_queued::<Direct>()?;
    let Some(config) = config() else {
        return Ok(());
    };
    if !peeked && config.forgets != 0 {
        forget(sock, skb);
    }
    if config.reads == 0 {
        return Ok(());
    }
    let task = Task::current()?;
    if !wanted_task(&task)? || !wanted_netns::<Direct>(sock)? {
        return Ok(());
    }
    if by_port() && !wanted_port(skb.portid::<Direct>()?, sock.portid()?) {
        return Ok(());
    }
    let Some(call) = call::enter(&task, CallState::Reading) else {
        count_drop();
        return Ok(());
    };
    // SAFETY: the slot is this task's.
    let number = unsafe {
        (*call).receive_sock = sock.0 as u64;
        (*call).receive_protocol = protocol;
        (*call).receive_skb = skb.0 as u64;
        (*call).receive_ns = receive_ns;
        (*call).receive_copied = len as u32;
        (*call).request.head.call
    };
    if let Err(fault) = tell_message::<Direct, Direct>(sock, skb, &task, number) {
        call::leave(call);
        return Err(fault);
    }
    if config.delivered != 0 {
        return Ok(());
    }
    // No program will report the end of the call.
    let read = Read {
        result: len,
        flags: if peeked { MSG_PEEK } else { 0 },
        copied: len as u32,
    };
    end::<false>(&task, call, read)
}
