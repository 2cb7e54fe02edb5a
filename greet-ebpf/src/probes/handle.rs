// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `handle`: the receive callback of the kernel's socket begins.

use aya_ebpf::{macros::kprobe, programs::ProbeContext};
use greet_common::Stage;

use super::tell;
use crate::{
    emit::emit,
    filter::{wanted_protocol, wanted_task},
    read::{Fault, Probed, Skb},
    record,
};

/// A kprobe, because fentry cannot reach a function in a module. User space names the
/// symbol; for the greeting it is the module's `netlink_recv_msg_fn`.
///
/// proto: include/linux/netlink.h: void (*netlink_kernel_cfg.input)(struct sk_buff *skb)
#[kprobe]
fn handle(ctx: ProbeContext) -> u32 {
    tell!(&ctx, try_handle(&ctx));
    0
}

#[inline(always)]
fn try_handle(ctx: &ProbeContext) -> Result<(), Fault> {
    let time_ns = record::now();
    let Some(task) = wanted_task() else {
        return Ok(());
    };
    let Some(skb) = ctx.arg(0).map(Skb) else {
        return Ok(());
    };
    // netlink_unicast_kernel() made the kernel's socket the holder of the buffer.
    let sock = skb.sock::<Probed>()?;
    let protocol = sock.protocol::<Probed>()?;
    if !wanted_protocol(protocol) {
        return Ok(());
    }
    let stamp = record::stamp(time_ns, Stage::Handle, task, protocol, skb);
    emit(|slot| record::entry::<Probed>(slot, stamp, sock, skb, 0))
}
