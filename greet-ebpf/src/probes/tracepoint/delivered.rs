// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `delivered`: a message is in the reader's memory. The reading call ends.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use greet_common::call::CallState;

use crate::{
    call,
    probes::{
        delivered::{Read, end},
        receive::AF_NETLINK,
        report_fault,
    },
    read::{Direct, Fault, Sock},
    task::Task,
};

/// proto: include/trace/events/sock.h: void sock_recv_length(struct sock *sk, int ret, int flags)
#[btf_tracepoint(function = "sock_recv_length")]
fn delivered_tp(ctx: BtfTracePointContext) -> i32 {
    report_fault!(
        &ctx,
        try_delivered_tp(Sock(ctx.arg(0)), ctx.arg(1), ctx.arg(2))
    );
    0
}

#[inline(always)]
fn try_delivered_tp(sock: Sock, result: i32, flags: i32) -> Result<(), Fault> {
    if sock.family::<Direct>()? != AF_NETLINK {
        return Ok(());
    }
    let task = Task::current()?;
    // A call that took nothing out of the queue has none.
    let Some(call) = call::current_if(task.tid, CallState::Reading) else {
        return Ok(());
    };
    // SAFETY: the slot is this task's.
    if unsafe { (*call).receive_sock } != sock.0 as u64 {
        return Ok(());
    }
    // SAFETY: as above.
    let copied = unsafe { (*call).receive_copied };
    let read = Read {
        result,
        flags: flags as u32,
        copied,
    };
    end::<true>(&task, call, read)
}
