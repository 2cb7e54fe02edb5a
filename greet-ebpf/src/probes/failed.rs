// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The kernel's reply could not be delivered: with which errno.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{
    helpers::bpf_get_current_pid_tgid,
    macros::{fexit, kretprobe},
    programs::{FExitContext, RetProbeContext},
};

use greet_common::call::{Call, CallState};

use super::report_fault;
use crate::{
    call,
    loss::{self, Lost},
    read::{Direct, Fault, Probed, Sock},
};

/// A failure to deliver a user's message is what `sendmsg()` returns, and is reported there.
///
/// proto: net/netlink/af_netlink.c: int netlink_unicast(struct sock *ssk, struct sk_buff *skb, u32 portid, int nonblock)
#[fexit(function = "netlink_unicast")]
fn failed(ctx: FExitContext) -> i32 {
    // The four arguments are followed by the function's return value.
    let result: i32 = ctx.arg(4);
    if result < 0 {
        report_fault!(&ctx, try_failed(&ctx, result));
    }
    0
}

#[inline(always)]
fn try_failed(ctx: &FExitContext, result: i32) -> Result<(), Fault> {
    let sock = Sock(ctx.arg(0));
    if !sock.is_kernels::<Direct>()? {
        return Ok(());
    }
    let lost = Lost {
        sock,
        result,
        overrun: false,
    };
    loss::tell::<Direct>(lost, || Ok(ctx.arg(2)))
}

/// The same if the kernel has no fexit, or if its programs may be skipped: `cross_kprobe` kept the
/// arguments.
#[kretprobe]
fn failed_kretprobe(ctx: RetProbeContext) -> u32 {
    let Some(call) = call::current(bpf_get_current_pid_tgid() as u32) else {
        return 0;
    };
    report_fault!(&ctx, end(call, ctx.ret()));
    if call::current_if(bpf_get_current_pid_tgid() as u32, CallState::Handing).is_some() {
        call::leave(call);
    }
    0
}

#[inline(always)]
fn end(call: *mut Call, result: i32) -> Result<(), Fault> {
    // SAFETY: the slot is this task's.
    let (sock, portid) = unsafe {
        let sock = Sock((*call).reply_sock as *const u8);
        // The user's own message is delivered last, around those of the kernel.
        (*call).reply_sock = 0;
        (sock, (*call).reply_portid)
    };
    if result >= 0 || sock.0.is_null() {
        return Ok(());
    }
    let lost = Lost {
        sock,
        result,
        overrun: false,
    };
    loss::tell::<Probed>(lost, || Ok(portid))
}
