// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! How much of a message is copied to its reader: only part of it if the buffer is too small. A
//! kretprobe sees neither the buffer's length nor the call's flags, and the call returns the whole
//! length if it was made with `MSG_TRUNC`.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{
    helpers::bpf_get_current_pid_tgid, macros::raw_tracepoint, programs::RawTracePointContext,
};
use greet_common::call::CallState;

use crate::call;

/// It fires for sockets of every family: the buffer shows whether it is the message that was just
/// taken out of a netlink socket's queue.
///
/// proto: include/trace/events/skb.h: void skb_copy_datagram_iovec(const struct sk_buff *skb, int len)
#[raw_tracepoint(tracepoint = "skb_copy_datagram_iovec")]
fn copied(ctx: RawTracePointContext) -> i32 {
    let (skb, len): (u64, i32) = (ctx.arg(0), ctx.arg(1));
    let tid = bpf_get_current_pid_tgid() as u32;
    if let Some(call) = call::current_if(tid, CallState::Reading) {
        // SAFETY: the slot is this task's.
        unsafe {
            if (*call).receive_skb == skb {
                (*call).receive_copied = len as u32;
            }
        }
    }
    0
}
