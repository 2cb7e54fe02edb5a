// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `receive`: the reader took a message out of the queue. A reading call begins.
#![expect(unsafe_code, reason = "the call's slot is reached through a raw pointer")]

use aya_ebpf::{macros::fexit, programs::FExitContext};

use super::tell;
use crate::{
    call,
    emit::count_drop,
    filter::{wanted_netns, wanted_protocol, wanted_task},
    read::{Direct, Fault, Sock},
    record,
    task::Task,
};

/// `AF_NETLINK`.
const AF_NETLINK: u16 = 16;

/// `netlink_recvmsg` calls it, but so do other families' `recvmsg`.
///
/// proto: net/core/datagram.c: struct sk_buff *skb_recv_datagram(struct sock *sk, unsigned int flags, int *err)
#[fexit(function = "skb_recv_datagram")]
fn receive(ctx: FExitContext) -> i32 {
    tell!(&ctx, try_receive(&ctx));
    0
}

#[inline(always)]
fn try_receive(ctx: &FExitContext) -> Result<(), Fault> {
    let sock = Sock(ctx.arg(0));
    if sock.family::<Direct>()? != AF_NETLINK || !wanted_protocol(sock.protocol::<Direct>()?) {
        return Ok(());
    }
    // Behind the three arguments lies what the function returned.
    let skb: u64 = ctx.arg(3);
    if skb == 0 || !wanted_netns(sock)? {
        return Ok(());
    }
    let task = Task::current()?;
    if !wanted_task(&task)? {
        return Ok(());
    }
    let Some(call) = call::enter(&task) else {
        count_drop();
        return Ok(());
    };
    // SAFETY: the slot is this task's.
    unsafe {
        (*call).receive_skb = skb;
        (*call).receive_ns = record::now();
    }
    Ok(())
}
