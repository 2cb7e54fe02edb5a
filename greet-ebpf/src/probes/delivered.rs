// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `delivered`: a message is in the reader's memory. The reading call ends.
#![expect(
    unsafe_code,
    reason = "records and slots are reached through raw pointers"
)]

use aya_ebpf::{
    macros::{fexit, kretprobe},
    programs::{FExitContext, RetProbeContext},
};
use greet_common::{
    call::{Call, Doing},
    event::{Delivery, Kind},
};

use super::tell;
use crate::{
    call,
    emit::emit,
    filter::wanted_protocol,
    read::{Direct, Fault, Sock, Socket},
    record,
    task::Task,
    whole,
};

/// `MSG_PEEK`.
pub(super) const MSG_PEEK: u32 = 2;

/// proto: net/netlink/af_netlink.c: int netlink_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
#[fexit(function = "netlink_recvmsg")]
fn delivered(ctx: FExitContext) -> i32 {
    tell!(&ctx, try_delivered(&ctx));
    0
}

#[inline(always)]
fn try_delivered(ctx: &FExitContext) -> Result<(), Fault> {
    let sock = Socket(ctx.arg(0)).sock::<Direct>()?;
    if !wanted_protocol(sock.protocol::<Direct>()?) {
        return Ok(());
    }
    let task = Task::current()?;
    match call::current_if(task.tid, Doing::Reading) {
        // Behind the four arguments lies what the function returned.
        Some(call) => end::<true>(&task, call, ctx.arg(4), ctx.arg(3)),
        None => Ok(()),
    }
}

/// The same where the kernel has no fexit, or where its programs may be skipped. Whether the
/// message was only looked at is seen from its buffer; the call's other flags are not known.
#[kretprobe]
fn delivered_kretprobe(ctx: RetProbeContext) -> u32 {
    tell!(&ctx, try_delivered_kretprobe(&ctx));
    0
}

#[inline(always)]
fn try_delivered_kretprobe(ctx: &RetProbeContext) -> Result<(), Fault> {
    let task = Task::current()?;
    let Some(call) = call::current_if(task.tid, Doing::Reading) else {
        return Ok(());
    };
    // SAFETY: the slot is this task's.
    let peeked = unsafe { (*call).receive_peeked } != 0;
    end::<true>(&task, call, ctx.ret(), if peeked { MSG_PEEK } else { 0 })
}

/// Tells of the reading; whether it has ended now, `ENDED` says.
#[inline(always)]
pub(super) fn end<const ENDED: bool>(
    task: &Task,
    call: *mut Call,
    result: i32,
    flags: u32,
) -> Result<(), Fault> {
    if whole::tell(call, result, flags, flags & MSG_PEEK != 0)? {
        call::leave(call);
        return Ok(());
    }
    let told = emit::<Delivery>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned, and every field is written; the
        // slot is this task's.
        unsafe {
            let sock = Sock((*call).receive_sock as *const u8);
            let protocol = (*call).receive_protocol;
            record::head(&raw mut (*to).head, Kind::Delivery, protocol, task, sock)?;
            (&raw mut (*to).head.call).write((*call).request.head.call);
            (&raw mut (*to).skb).write((*call).receive_skb);
            (&raw mut (*to).receive_ns).write((*call).receive_ns);
            (&raw mut (*to).result).write(result);
            (&raw mut (*to).flags).write(flags);
            (&raw mut (*to).delivered_ns).write(if ENDED { record::now() } else { 0 });
        }
        Ok(())
    });
    call::leave(call);
    told
}
