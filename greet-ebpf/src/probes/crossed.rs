// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stages `crossed` and `replied`: what handing the message over came to.

use aya_ebpf::{macros::fexit, programs::FExitContext};
use greet_common::Stage;

use super::tell;
use crate::{
    emit::emit,
    filter::{wanted_protocol, wanted_task},
    read::{Direct, Fault, Skb, Sock},
    record,
};

/// proto: net/netlink/af_netlink.c: int netlink_unicast(struct sock *ssk, struct sk_buff *skb, u32 portid, int nonblock)
#[fexit(function = "netlink_unicast")]
fn crossed(ctx: FExitContext) -> i32 {
    tell!(&ctx, try_crossed(&ctx));
    0
}

#[inline(always)]
fn try_crossed(ctx: &FExitContext) -> Result<(), Fault> {
    let time_ns = record::now();
    let Some(task) = wanted_task() else {
        return Ok(());
    };
    let sock = Sock(ctx.arg(0));
    let protocol = sock.protocol::<Direct>()?;
    if !wanted_protocol(protocol) {
        return Ok(());
    }
    let stage = if sock.is_kernels::<Direct>()? {
        Stage::Replied
    } else {
        Stage::Crossed
    };
    // netlink_unicast() consumed the buffer: its address still tells messages apart,
    // but there is nothing left to read.
    let skb = Skb(ctx.arg(1));
    let stamp = record::stamp(time_ns, stage, task, protocol, skb);
    // Behind the four arguments lies what the function returned.
    let result: i32 = ctx.arg(4);
    emit(|slot| {
        record::left(slot, stamp, result);
        Ok(())
    })
}
