// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `handle`: the receive callback of the kernel socket starts.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{helpers::bpf_get_current_pid_tgid, macros::kprobe, programs::ProbeContext};

use crate::{call, record};

/// A kprobe, because fentry cannot reach a function in a module. User space supplies the symbol.
/// The callback runs inside the sender's call, which has been filtered.
///
/// proto: include/linux/netlink.h: void (*netlink_kernel_cfg.input)(struct sk_buff *skb)
#[kprobe]
fn handle(_ctx: ProbeContext) -> u32 {
    if let Some(call) = call::current(bpf_get_current_pid_tgid() as u32) {
        // SAFETY: the slot is this task's.
        unsafe {
            (*call).request.handle_ns = record::now();
        }
    }
    0
}
