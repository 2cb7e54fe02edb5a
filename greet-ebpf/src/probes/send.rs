// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `send`: the client entered the kernel. A call begins.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{macros::fentry, programs::FEntryContext};
use greet_common::event::Kind;

use super::tell;
use crate::{
    call,
    emit::count_drop,
    filter::{wanted_netns, wanted_protocol, wanted_task},
    read::{Direct, Fault, Socket},
    record,
    task::Task,
};

/// proto: net/netlink/af_netlink.c: int netlink_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
#[fentry(function = "netlink_sendmsg")]
fn send(ctx: FEntryContext) -> i32 {
    tell!(&ctx, try_send(&ctx));
    0
}

#[inline(always)]
fn try_send(ctx: &FEntryContext) -> Result<(), Fault> {
    let sock = Socket(ctx.arg(0)).sock::<Direct>()?;
    let protocol = sock.protocol::<Direct>()?;
    if !wanted_protocol(protocol) || !wanted_netns(sock)? {
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
        let request = &raw mut (*call).request;
        record::head(
            &raw mut (*request).head,
            Kind::Request,
            protocol,
            &task,
            sock,
        )?;
        (*request).cross_ns = 0;
        (*request).handle_ns = 0;
        (*request).handled_ns = 0;
        (*request).replies = 0;
        (*request).datagram.captured = 0;
        (*request).send_ns = record::now();
    }
    Ok(())
}
