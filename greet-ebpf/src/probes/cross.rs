// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stages `cross` and `reply`: a message, lying in an `sk_buff`, is handed over.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{helpers::bpf_get_current_pid_tgid, macros::fentry, programs::FEntryContext};

use super::tell;
use crate::{
    call,
    filter::wanted_protocol,
    read::{Direct, Fault, Skb, Sock},
    record::{self, Ends},
};

/// proto: net/netlink/af_netlink.c: int netlink_unicast(struct sock *ssk, struct sk_buff *skb, u32 portid, int nonblock)
#[fentry(function = "netlink_unicast")]
fn cross(ctx: FEntryContext) -> i32 {
    tell!(&ctx, try_cross(&ctx));
    0
}

#[inline(always)]
fn try_cross(ctx: &FEntryContext) -> Result<(), Fault> {
    let sock = Sock(ctx.arg(0));
    if !wanted_protocol(sock.protocol::<Direct>()?) {
        return Ok(());
    }
    let Some(call) = call::current(bpf_get_current_pid_tgid() as u32) else {
        return Ok(());
    };
    let skb = Skb(ctx.arg(1));
    let portid: u32 = ctx.arg(2);
    // SAFETY: the slot is this task's.
    unsafe {
        if sock.is_kernels::<Direct>()? {
            (*call).request.replies += 1;
            (*call).reply_skb = skb.0 as u64;
            (*call).reply_portid = portid;
            (*call).reply_ns = record::now();
            return Ok(());
        }
        let request = &raw mut (*call).request;
        let ends = Ends {
            portid: skb.portid::<Direct>()?,
            peer_portid: portid,
        };
        record::datagram::<Direct>(&raw mut (*request).datagram, sock, skb, ends)?;
        (*request).cross_ns = record::now();
    }
    Ok(())
}
