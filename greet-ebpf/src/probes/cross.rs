// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stages `cross` and `reply`: a message, lying in an `sk_buff`, is handed over.

use aya_ebpf::{macros::fentry, programs::FEntryContext};
use greet_common::Stage;

use super::tell;
use crate::{
    emit::emit,
    filter::{wanted_protocol, wanted_task},
    read::{Direct, Fault, Skb, Sock},
    record,
};

/// proto: net/netlink/af_netlink.c: int netlink_unicast(struct sock *ssk, struct sk_buff *skb, u32 portid, int nonblock)
#[fentry(function = "netlink_unicast")]
fn cross(ctx: FEntryContext) -> i32 {
    tell!(&ctx, try_cross(&ctx));
    0
}

#[inline(always)]
fn try_cross(ctx: &FEntryContext) -> Result<(), Fault> {
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
        Stage::Reply
    } else {
        Stage::Cross
    };
    let skb = Skb(ctx.arg(1));
    let stamp = record::stamp(time_ns, stage, task, protocol, skb);
    emit(|slot| record::entry::<Direct>(slot, stamp, sock, skb, ctx.arg(2)))
}
