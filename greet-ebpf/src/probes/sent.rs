// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `sent`: the client's `sendmsg()` returns. The call ends, and its request is reported.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{
    helpers::bpf_get_current_pid_tgid,
    macros::{fexit, kretprobe},
    programs::{FExitContext, RetProbeContext},
};

use greet_common::{
    call::{Call, CallState},
    event::KILLED,
};

use super::report_fault;
use crate::{
    call,
    emit::emit_request,
    filter::{wanted_port, wanted_protocol},
    read::{Direct, Fault, Socket},
    record, round_trip,
    task::Task,
    uncrossed::{self, Sending},
};

/// proto: net/netlink/af_netlink.c: int netlink_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
#[fexit(function = "netlink_sendmsg")]
fn sent(ctx: FExitContext) -> i32 {
    report_fault!(&ctx, try_sent(&ctx));
    0
}

/// The same if the kernel has no fexit, or if its programs may be skipped: then both are attached,
/// and this one finds nothing left to do after the other.
#[kretprobe]
fn sent_kretprobe(ctx: RetProbeContext) -> u32 {
    end(ctx.ret(), |call| {
        // SAFETY: the slot is this task's.
        unsafe {
            Sending {
                message: (*call).message,
                len: (*call).request.datagram.len,
            }
        }
    });
    0
}

#[inline(always)]
fn try_sent(ctx: &FExitContext) -> Result<(), Fault> {
    let sock = Socket(ctx.arg(0)).sock::<Direct>()?;
    if wanted_protocol(sock.protocol::<Direct>()?) {
        // The three arguments are followed by the function's return value.
        let len: u64 = ctx.arg(2);
        end(ctx.arg(3), |_| Sending {
            message: ctx.arg(1),
            len: len as u32,
        });
    }
    Ok(())
}

#[inline(always)]
fn end(result: i32, sending: impl FnOnce(*mut Call) -> Sending) {
    let tid = bpf_get_current_pid_tgid() as u32;
    let Some(call) = call::current_if(tid, CallState::Sending) else {
        return;
    };
    // SAFETY: the slot is this task's.
    unsafe {
        let request = &raw mut (*call).request;
        (*request).result = if is_interrupted(result) && is_being_killed() {
            KILLED
        } else {
            result
        };
        (*request).sent_ns = record::now();
        if (*request).cross_ns == 0 {
            uncrossed::describe(request, sending(call));
        }
        let datagram = &raw const (*request).datagram;
        if wanted_port((*datagram).portid, (*datagram).peer_portid) {
            if round_trip::keep(call) {
                return;
            }
            round_trip::emit_deferred_answer(call);
            emit_request(request);
        }
    }
    call::leave(call);
}

/// Did a signal end the call? EINTR, or one of ERESTARTSYS to ERESTART_RESTARTBLOCK
/// (include/linux/errno.h).
#[inline(always)]
const fn is_interrupted(result: i32) -> bool {
    matches!(result, -4 | -516..=-512)
}

#[inline(always)]
fn is_being_killed() -> bool {
    let task = Task::current();
    task.and_then(|task| task.is_being_killed())
        .unwrap_or(false)
}
