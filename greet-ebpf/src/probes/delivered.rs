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
    call::{Call, CallState},
    event::{Delivery, LEN_UNKNOWN, RecordKind},
};

use super::report_fault;
use crate::{
    call,
    emit::emit,
    filter::wanted_protocol,
    read::{Direct, Fault, Sock, Socket},
    record, round_trip,
    task::Task,
};

/// `MSG_PEEK`.
pub(super) const MSG_PEEK: u32 = 2;
/// `MSG_TRUNC`: the call returns the message's length, however much of it was copied.
const MSG_TRUNC: u32 = 0x20;

/// proto: net/netlink/af_netlink.c: int netlink_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
#[fexit(function = "netlink_recvmsg")]
fn delivered(ctx: FExitContext) -> i32 {
    report_fault!(&ctx, try_delivered(&ctx));
    0
}

#[inline(always)]
fn try_delivered(ctx: &FExitContext) -> Result<(), Fault> {
    let sock = Socket(ctx.arg(0)).sock::<Direct>()?;
    if !wanted_protocol(sock.protocol::<Direct>()?) {
        return Ok(());
    }
    let task = Task::current()?;
    match call::current_if(task.tid, CallState::Reading) {
        Some(call) => {
            // The four arguments are followed by the function's return value.
            let (len, flags, result): (u64, u32, i32) = (ctx.arg(2), ctx.arg(3), ctx.arg(4));
            let copied = match result {
                ..0 => LEN_UNKNOWN,
                _ if flags & MSG_TRUNC == 0 => result as u32,
                _ => len.min(result as u64) as u32,
            };
            let read = Read {
                result,
                flags,
                copied,
            };
            end::<true>(&task, call, read)
        }
        None => Ok(()),
    }
}

/// The same if the kernel has no fexit, or if its programs may be skipped: then both are attached,
/// and this one finds nothing left to do after the other. The buffer shows whether the message was
/// only peeked at, and `copied` how much of it was copied; the call's other flags are not known.
#[kretprobe]
fn delivered_kretprobe(ctx: RetProbeContext) -> u32 {
    report_fault!(&ctx, try_delivered_kretprobe(&ctx));
    0
}

#[inline(always)]
fn try_delivered_kretprobe(ctx: &RetProbeContext) -> Result<(), Fault> {
    let task = Task::current()?;
    let Some(call) = call::current_if(task.tid, CallState::Reading) else {
        return Ok(());
    };
    // SAFETY: the slot is this task's.
    let (peeked, copied) = unsafe { ((*call).receive_peeked != 0, (*call).receive_copied) };
    let read = Read {
        result: ctx.ret(),
        flags: if peeked { MSG_PEEK } else { 0 },
        copied,
    };
    end::<true>(&task, call, read)
}

/// The outcome of a read.
#[derive(Clone, Copy)]
pub struct Read {
    /// What `recvmsg()` returned.
    pub result: i32,
    /// The call's flags.
    pub flags: u32,
    /// How many bytes were copied.
    pub copied: u32,
}

/// Reports the read; `ENDED` says whether it has ended now.
#[inline(always)]
pub(super) fn end<const ENDED: bool>(
    task: &Task,
    call: *mut Call,
    read: Read,
) -> Result<(), Fault> {
    if round_trip::tell(call, read, read.flags & MSG_PEEK != 0)? {
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
            record::head(
                &raw mut (*to).head,
                RecordKind::Delivery,
                protocol,
                task,
                sock,
            )?;
            (&raw mut (*to).head.call).write((*call).request.head.call);
            (&raw mut (*to).skb).write((*call).receive_skb);
            (&raw mut (*to).receive_ns).write((*call).receive_ns);
            (&raw mut (*to).result).write(read.result);
            (&raw mut (*to).flags).write(read.flags);
            (&raw mut (*to).copied).write(read.copied);
            (&raw mut (*to).padding).write(0);
            (&raw mut (*to).delivered_ns).write(if ENDED { record::now() } else { 0 });
        }
        Ok(())
    });
    call::leave(call);
    told
}
