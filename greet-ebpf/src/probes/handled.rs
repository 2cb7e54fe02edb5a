// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `handled`: the receive callback ends.

use aya_ebpf::{macros::kretprobe, programs::RetProbeContext};
use greet_common::Stage;

use super::tell;
use crate::{
    emit::emit,
    filter::wanted_task,
    read::{Fault, Skb},
    record,
};

/// The kernel keeps no arguments for a return probe, so the record names neither buffer
/// nor protocol: in its task it belongs to the innermost callback still open. The
/// callback returns nothing, so there is no result either.
///
/// proto: include/linux/netlink.h: void (*netlink_kernel_cfg.input)(struct sk_buff *skb)
#[kretprobe]
fn handled(ctx: RetProbeContext) -> u32 {
    tell!(&ctx, try_handled());
    0
}

#[inline(always)]
fn try_handled() -> Result<(), Fault> {
    let time_ns = record::now();
    let Some(task) = wanted_task() else {
        return Ok(());
    };
    let stamp = record::stamp(time_ns, Stage::Handled, task, 0, Skb(core::ptr::null()));
    emit(|slot| {
        record::left(slot, stamp, 0);
        Ok(())
    })
}
