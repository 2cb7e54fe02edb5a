// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `delivered`: a message is in the reader's memory. The reading call ends.
#![expect(
    unsafe_code,
    reason = "records and slots are reached through raw pointers"
)]

use aya_ebpf::{macros::fexit, programs::FExitContext};
use greet_common::event::{Delivery, Kind};

use super::tell;
use crate::{
    call,
    emit::emit,
    filter::wanted_protocol,
    read::{Direct, Fault, Socket},
    record,
    task::Task,
};

/// proto: net/netlink/af_netlink.c: int netlink_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
#[fexit(function = "netlink_recvmsg")]
fn delivered(ctx: FExitContext) -> i32 {
    tell!(&ctx, try_delivered(&ctx));
    0
}

#[inline(always)]
fn try_delivered(ctx: &FExitContext) -> Result<(), Fault> {
    let sock = Socket(ctx.arg(0)).sock::<Direct>()?;
    let protocol = sock.protocol::<Direct>()?;
    if !wanted_protocol(protocol) {
        return Ok(());
    }
    let task = Task::current()?;
    let Some(call) = call::current(task.tid) else {
        return Ok(());
    };
    let result = emit::<Delivery>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned, and every field is written; the
        // slot is this task's.
        unsafe {
            record::head(&raw mut (*to).head, Kind::Delivery, protocol, &task, sock)?;
            (&raw mut (*to).head.call).write((*call).request.head.call);
            (&raw mut (*to).skb).write((*call).receive_skb);
            (&raw mut (*to).receive_ns).write((*call).receive_ns);
            (&raw mut (*to).result).write(ctx.arg(4));
            (&raw mut (*to).flags).write(ctx.arg(3));
            (&raw mut (*to).delivered_ns).write(record::now());
        }
        Ok(())
    });
    call::leave(call);
    result
}
