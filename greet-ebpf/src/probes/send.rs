// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `send`: the client entered the kernel. A call starts.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{
    macros::{fentry, kprobe},
    programs::{FEntryContext, ProbeContext},
};
use greet_common::{
    call::{Call, CallState},
    event::RecordKind,
};

use super::{argument, report_fault};
use crate::{
    call,
    emit::count_drop,
    filter::{wanted_netns, wanted_protocol, wanted_task},
    read::{Direct, Fault, Memory, Probed, Socket},
    record,
    task::Task,
};

/// proto: net/netlink/af_netlink.c: int netlink_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
#[fentry(function = "netlink_sendmsg")]
fn send(ctx: FEntryContext) -> i32 {
    report_fault!(&ctx, begin::<Direct>(Socket(ctx.arg(0)), |_| ()));
    0
}

/// The same if the kernel has no fentry, or if its programs may be skipped. The return probe then
/// does not see the call's arguments, so those that may be needed are kept.
#[kprobe]
fn send_kprobe(ctx: ProbeContext) -> u32 {
    let socket = Socket(argument!(ctx, 0));
    let (message, len): (u64, u64) = (argument!(ctx, 1), argument!(ctx, 2));
    let keep = |call: *mut Call| {
        // SAFETY: the slot is this task's.
        unsafe {
            (*call).message = message;
            (*call).request.datagram.len = len as u32;
        }
    };
    report_fault!(&ctx, begin::<Probed>(socket, keep));
    0
}

#[inline(always)]
fn begin<M: Memory>(socket: Socket, keep: impl FnOnce(*mut Call)) -> Result<(), Fault> {
    let sock = socket.sock::<M>()?;
    let protocol = sock.protocol::<M>()?;
    if !wanted_protocol(protocol) || !wanted_netns::<M>(sock)? {
        return Ok(());
    }
    let task = Task::current()?;
    if !wanted_task(&task)? {
        return Ok(());
    }
    let Some(call) = call::enter(&task, CallState::Sending) else {
        count_drop();
        return Ok(());
    };
    // SAFETY: the slot is this task's.
    unsafe {
        let request = &raw mut (*call).request;
        record::head(
            &raw mut (*request).head,
            RecordKind::Request,
            protocol,
            &task,
            sock,
        )?;
        // Volatile, lest the compiler turn these into a loop over single bytes: 120 instructions.
        (&raw mut (*request).cross_ns).write_volatile(0);
        (&raw mut (*request).handle_ns).write_volatile(0);
        (&raw mut (*request).handled_ns).write_volatile(0);
        (*request).unqueued = 0;
        (*request).datagram.netns = 0;
        (*request).datagram.captured = 0;
        (*request).datagram.rest = 0;
        keep(call);
        (*request).send_ns = record::now();
    }
    Ok(())
}
