// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A socket is closed: what is in its queue will never be read.

use aya_ebpf::{
    macros::{fentry, kprobe},
    programs::{FEntryContext, ProbeContext},
};

use super::{argument, report_fault};
use crate::{
    close,
    filter::wanted_task,
    read::{Direct, Fault, Memory, Probed, Socket},
    task::Task,
};

/// proto: net/netlink/af_netlink.c: int netlink_release(struct socket *sock)
#[fentry(function = "netlink_release")]
fn closed(ctx: FEntryContext) -> i32 {
    report_fault!(&ctx, try_closed::<Direct>(Socket(ctx.arg(0))));
    0
}

/// The same if the kernel has no fentry, or if its programs may be skipped.
#[kprobe]
fn closed_kprobe(ctx: ProbeContext) -> u32 {
    let socket = Socket(argument!(ctx, 0));
    report_fault!(&ctx, try_closed::<Probed>(socket));
    0
}

#[inline(always)]
fn try_closed<M: Memory>(socket: Socket) -> Result<(), Fault> {
    let sock = socket.sock::<M>()?;
    // A socket that was never set up has none.
    if sock.0.is_null() {
        return Ok(());
    }
    let task = Task::current()?;
    if !wanted_task(&task)? {
        return Ok(());
    }
    close::tell::<M>(sock, &task)
}
