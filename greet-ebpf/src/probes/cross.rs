// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stages `cross` and `reply`: a message, in an `sk_buff`, is on its way to its receiver.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{
    helpers::bpf_get_current_pid_tgid,
    macros::{fentry, kprobe},
    programs::{FEntryContext, ProbeContext},
};

use greet_common::{
    call::{Call, CallState},
    event::Request,
};

use super::{argument, report_fault};
use crate::{
    call,
    continuation::RestKey,
    emit::{count_drop, emit_request},
    filter::{wanted_netns, wanted_port, wanted_protocol, wanted_task},
    globals::EARLY,
    read::{Direct, Fault, Memory, Probed, Skb, Sock},
    record::{self, Ends},
    task::Task,
};

/// proto: net/netlink/af_netlink.c: int netlink_unicast(struct sock *ssk, struct sk_buff *skb, u32 portid, int nonblock)
#[fentry(function = "netlink_unicast")]
fn cross(ctx: FEntryContext) -> i32 {
    let (sock, skb) = (Sock(ctx.arg(0)), Skb(ctx.arg(1)));
    report_fault!(&ctx, hand_over::<Direct>(sock, skb, ctx.arg(2), |_| None));
    0
}

/// The same if the kernel has no fentry, or if its programs may be skipped. The return probe then
/// does not see the arguments, so they are kept.
#[kprobe]
fn cross_kprobe(ctx: ProbeContext) -> u32 {
    let (sock, skb) = (Sock(argument!(ctx, 0)), Skb(argument!(ctx, 1)));
    let portid: u32 = argument!(ctx, 2);
    report_fault!(&ctx, hand_over::<Probed>(sock, skb, portid, begin));
    0
}

/// `outside` is called for a call if the task is in none.
#[inline(always)]
fn hand_over<M: Memory>(
    sock: Sock,
    skb: Skb,
    portid: u32,
    outside: impl FnOnce(Sock) -> Option<*mut Call>,
) -> Result<(), Fault> {
    if !wanted_protocol(sock.protocol::<M>()?) {
        return Ok(());
    }
    let of_kernel = sock.is_kernels::<M>()?;
    let call = call::current(bpf_get_current_pid_tgid() as u32);
    let call = if of_kernel {
        call.or_else(|| outside(sock))
    } else {
        call
    };
    let Some(call) = call else {
        return Ok(());
    };
    // SAFETY: the slot is this task's.
    unsafe {
        if of_kernel {
            // What goes back to the kernel itself goes into no queue.
            (*call).request.unqueued += u32::from(portid != 0);
            (*call).reply_sock = sock.0 as u64;
            (*call).reply_skb = skb.0 as u64;
            (*call).reply_portid = portid;
            (*call).reply_ns = record::now();
            return Ok(());
        }
        let request = &raw mut (*call).request;
        let ends = Ends {
            portid: skb.portid::<M>()?,
            peer_portid: portid,
        };
        let key = RestKey {
            sock: sock.0 as u64,
            id: (*request).head.call,
        };
        let rest = skb.rest::<M>(key)?;
        record::datagram::<M, M>(&raw mut (*request).datagram, sock, skb, ends, rest)?;
        (*request).cross_ns = record::now();
        if EARLY.load() != 0 {
            report_early(request);
        }
    }
    Ok(())
}

/// Reports the request before the kernel handles it, so that one that crashes or hangs the kernel
/// is on its way. Its bytes are not copied again when the call ends.
///
/// # Safety
/// The request must lie in this task's slot.
#[inline(always)]
unsafe fn report_early(request: *mut Request) {
    // SAFETY: the caller guarantees the pointer.
    unsafe {
        // Left over from the slot's last call.
        (*request).sent_ns = 0;
        (*request).result = 0;
        let datagram = &raw mut (*request).datagram;
        if wanted_port((*datagram).portid, (*datagram).peer_portid) {
            emit_request(request);
            (*datagram).captured = 0;
            (*datagram).rest = 0;
        }
    }
}

#[inline(always)]
fn begin(sock: Sock) -> Option<*mut Call> {
    let task = Task::current().ok()?;
    if !wanted_task(&task).ok()? || !wanted_netns::<Probed>(sock).ok()? {
        return None;
    }
    let call = call::enter(&task, CallState::Handing);
    if call.is_none() {
        count_drop();
    }
    call
}
