// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The kernel's answer could not be handed over: with which errno.
#![expect(unsafe_code, reason = "records are reached through raw pointers")]

use aya_ebpf::{macros::fexit, programs::FExitContext};
use greet_common::event::{Kind, Loss};

use super::tell;
use crate::{
    call,
    emit::emit,
    filter::{wanted_netns, wanted_port, wanted_protocol, wanted_task},
    read::{Direct, Fault, Sock},
    record,
    task::Task,
};

/// A failure to hand over a user's message is what `sendmsg()` returns, and told there.
///
/// proto: net/netlink/af_netlink.c: int netlink_unicast(struct sock *ssk, struct sk_buff *skb, u32 portid, int nonblock)
#[fexit(function = "netlink_unicast")]
fn failed(ctx: FExitContext) -> i32 {
    // Behind the four arguments lies what the function returned.
    let result: i32 = ctx.arg(4);
    if result < 0 {
        tell!(&ctx, try_failed(&ctx, result));
    }
    0
}

#[inline(always)]
fn try_failed(ctx: &FExitContext, result: i32) -> Result<(), Fault> {
    let sock = Sock(ctx.arg(0));
    let protocol = sock.protocol::<Direct>()?;
    if !wanted_protocol(protocol) || !sock.is_kernels::<Direct>()? {
        return Ok(());
    }
    let task = Task::current()?;
    let call = call::number(task.tid);
    if call == 0 && (!wanted_task(&task)? || !wanted_netns(sock)?) {
        return Ok(());
    }
    let portid: u32 = ctx.arg(2);
    if !wanted_port(portid, portid) {
        return Ok(());
    }
    emit::<Loss>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written.
        unsafe {
            record::head(&raw mut (*to).head, Kind::Loss, protocol, &task, sock)?;
            (&raw mut (*to).head.call).write(call);
            (&raw mut (*to).time_ns).write(record::now());
            (&raw mut (*to).netns).write(sock.netns::<Direct>()?);
            (&raw mut (*to).portid).write(portid);
            (&raw mut (*to).result).write(result);
            (&raw mut (*to).overrun).write(0);
        }
        Ok(())
    })
}
