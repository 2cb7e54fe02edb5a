// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The kernel gives its reason for refusing a request whose start was not seen. Its socket is not
//! known until the request ends: user space waits for that.
#![expect(unsafe_code, reason = "records are reached through raw pointers")]

use aya_ebpf::{
    helpers::generated::bpf_probe_read_kernel_str, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use core::ptr;
use greet_common::event::{EXTACK_SIZE, Extack, RecordKind};

use super::sending;
use crate::{
    emit::emit,
    filter::wanted_task,
    probes::report_fault,
    read::{Fault, Sock},
    record,
    task::Task,
};

/// proto: include/trace/events/netlink.h: void netlink_extack(const char *msg)
#[btf_tracepoint(function = "netlink_extack")]
fn extack_tp(ctx: BtfTracePointContext) -> i32 {
    report_fault!(&ctx, try_extack_tp(&ctx));
    0
}

#[inline(always)]
fn try_extack_tp(ctx: &BtfTracePointContext) -> Result<(), Fault> {
    let message: *const u8 = ctx.arg(0);
    let task = Task::current()?;
    if !wanted_task(&task)? {
        return Ok(());
    }
    let Some(call) = sending(ctx, &task) else {
        return Ok(());
    };
    emit::<Extack>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written, the text up
        // to its NUL; the slot is this task's.
        unsafe {
            let head = &raw mut (*to).head;
            record::head(head, RecordKind::Extack, 0, &task, Sock(ptr::null()))?;
            (&raw mut (*to).head.call).write((*call).request.head.call);
            (&raw mut (*to).time_ns).write(record::now());
            let text = (&raw mut (*to).text).cast();
            match bpf_probe_read_kernel_str(text, EXTACK_SIZE as u32, message.cast()) {
                errno if errno < 0 => Err(Fault(errno)),
                _ => Ok(()),
            }
        }
    })
}
