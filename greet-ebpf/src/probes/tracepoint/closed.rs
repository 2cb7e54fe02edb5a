// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A message leaves its queue unread: its socket was closed. No tracepoint shows the close itself,
//! but the kernel then frees what is in the queue (`netlink_sock_destruct`), a moment later and in
//! any task. Messages that a reader took, or that had no room, are freed differently.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    close,
    probes::{receive::AF_NETLINK, report_fault},
    read::{Direct, Fault, Skb},
    task::Task,
};

/// `trace_kfree_skb` (include/trace/events/skb.h): the arguments after the buffer differ between
/// kernels.
#[btf_tracepoint(function = "kfree_skb")]
fn closed_tp(ctx: BtfTracePointContext) -> i32 {
    report_fault!(&ctx, try_closed_tp(Skb(ctx.arg(0))));
    0
}

#[inline(always)]
fn try_closed_tp(skb: Skb) -> Result<(), Fault> {
    let sock = skb.sock::<Direct>()?;
    if sock.0.is_null() || sock.family::<Direct>()? != AF_NETLINK {
        return Ok(());
    }
    close::tell::<Direct>(sock, &Task::current()?)
}
