// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A socket's receive queue is full: it loses a message, and its owner gets ENOBUFS.

use aya_ebpf::{
    macros::{fentry, kprobe},
    programs::{FEntryContext, ProbeContext},
};

use super::{argument, report_fault};
use crate::{
    loss::{self, Lost},
    read::{Direct, Probed, Sock},
};

/// `ENOBUFS`, the error that the socket's owner gets.
const ENOBUFS: i32 = 105;

/// proto: net/netlink/af_netlink.c: void netlink_overrun(struct sock *sk)
#[fentry(function = "netlink_overrun")]
fn overrun(ctx: FEntryContext) -> i32 {
    let lost = of(Sock(ctx.arg(0)));
    report_fault!(&ctx, loss::tell::<Direct>(lost, || lost.sock.portid()));
    0
}

/// The same if the kernel has no fentry, or if its programs may be skipped.
#[kprobe]
fn overrun_kprobe(ctx: ProbeContext) -> u32 {
    let lost = of(Sock(argument!(ctx, 0)));
    report_fault!(&ctx, loss::tell::<Probed>(lost, || lost.sock.portid()));
    0
}

#[inline(always)]
fn of(sock: Sock) -> Lost {
    Lost {
        sock,
        result: -ENOBUFS,
        overrun: true,
    }
}
