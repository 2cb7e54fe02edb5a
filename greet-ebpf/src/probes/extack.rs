// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The kernel gives its reason for refusing a request, even if the program did not ask for it.
#![expect(unsafe_code, reason = "records are reached through raw pointers")]

use aya_ebpf::{
    helpers::generated::bpf_probe_read_kernel_str, macros::raw_tracepoint,
    programs::RawTracePointContext,
};
use greet_common::event::{EXTACK_SIZE, Extack, RecordKind};

use super::report_fault;
use crate::{
    call,
    emit::emit,
    read::{Fault, Sock},
    record,
    task::Task,
};

/// It runs inside the sender's call, which has been filtered.
///
/// proto: include/trace/events/netlink.h: void netlink_extack(const char *msg)
#[raw_tracepoint(tracepoint = "netlink_extack")]
fn extack(ctx: RawTracePointContext) -> i32 {
    report_fault!(&ctx, try_extack(&ctx));
    0
}

#[inline(always)]
fn try_extack(ctx: &RawTracePointContext) -> Result<(), Fault> {
    let message: *const u8 = ctx.arg(0);
    let task = Task::current()?;
    let Some(call) = call::current(task.tid) else {
        return Ok(());
    };
    emit::<Extack>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written, the text up
        // to its NUL; the slot is this task's.
        unsafe {
            let request = &raw const (*call).request.head;
            let sock = Sock((*request).sock as *const u8);
            record::head(
                &raw mut (*to).head,
                RecordKind::Extack,
                (*request).protocol,
                &task,
                sock,
            )?;
            (&raw mut (*to).head.call).write((*request).call);
            (&raw mut (*to).time_ns).write(record::now());
            let text = (&raw mut (*to).text).cast();
            match bpf_probe_read_kernel_str(text, EXTACK_SIZE as u32, message.cast()) {
                errno if errno < 0 => Err(Fault(errno)),
                _ => Ok(()),
            }
        }
    })
}
