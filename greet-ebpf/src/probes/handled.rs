// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `handled`: the receive callback returns.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{helpers::bpf_get_current_pid_tgid, macros::kretprobe, programs::RetProbeContext};

use crate::{call, record};

/// proto: include/linux/netlink.h: void (*netlink_kernel_cfg.input)(struct sk_buff *skb)
#[kretprobe]
fn handled(_ctx: RetProbeContext) -> u32 {
    if let Some(call) = call::current(bpf_get_current_pid_tgid() as u32) {
        // SAFETY: the slot is this task's.
        unsafe {
            (*call).request.handled_ns = record::now();
        }
    }
    0
}
