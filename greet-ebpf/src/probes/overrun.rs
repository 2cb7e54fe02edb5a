// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A socket's receive queue is full: it loses a message, and its owner is told ENOBUFS.
#![expect(unsafe_code, reason = "records are reached through raw pointers")]

use aya_ebpf::{macros::fentry, programs::FEntryContext};
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

/// `ENOBUFS`, what the socket's owner is told.
const ENOBUFS: i32 = 105;

/// proto: net/netlink/af_netlink.c: void netlink_overrun(struct sock *sk)
#[fentry(function = "netlink_overrun")]
fn overrun(ctx: FEntryContext) -> i32 {
    tell!(&ctx, try_overrun(&ctx));
    0
}

#[inline(always)]
fn try_overrun(ctx: &FEntryContext) -> Result<(), Fault> {
    let sock = Sock(ctx.arg(0));
    let protocol = sock.protocol::<Direct>()?;
    if !wanted_protocol(protocol) {
        return Ok(());
    }
    let task = Task::current()?;
    let call = call::number(task.tid);
    if call == 0 && (!wanted_task(&task)? || !wanted_netns(sock)?) {
        return Ok(());
    }
    let portid = sock.portid()?;
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
            (&raw mut (*to).result).write(-ENOBUFS);
            (&raw mut (*to).overrun).write(1);
        }
        Ok(())
    })
}
