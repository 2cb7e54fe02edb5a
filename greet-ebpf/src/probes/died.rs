// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A task exits. One that is still inside `sendmsg()` never returns from it: an oops killed it.
//! Its slot holds the request, and this is the last chance to report it.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{macros::raw_tracepoint, programs::RawTracePointContext};
use greet_common::{call::CallState, event::DIED};

use super::report_fault;
use crate::{call, emit::emit_request, filter::wanted_port, read::Fault, round_trip, task::Task};

/// `SIGKILL` and `SIGSEGV`: the exit codes that the kernel uses after an oops (`oops_end()`).
const KILLED: u32 = 9;
const FAULTED: u32 = 11;

/// proto: include/trace/events/sched.h: void sched_process_exit(struct task_struct *p)
#[raw_tracepoint(tracepoint = "sched_process_exit")]
fn died(ctx: RawTracePointContext) -> i32 {
    report_fault!(&ctx, try_died());
    0
}

#[inline(always)]
fn try_died() -> Result<(), Fault> {
    // The tracepoint fires in the task that exits.
    let task = Task::current()?;
    let Some(call) = call::current(task.tid) else {
        return Ok(());
    };
    let is_sending = call::current_if(task.tid, CallState::Sending).is_some();
    // Any other exit code: the call did return, but the kernel skipped our program.
    if is_sending && matches!(task.exit_code()?, KILLED | FAULTED) {
        // SAFETY: the slot is this task's.
        unsafe {
            let request = &raw mut (*call).request;
            (*request).result = DIED;
            (*request).sent_ns = 0;
            let datagram = &raw const (*request).datagram;
            if wanted_port((*datagram).portid, (*datagram).peer_portid) {
                round_trip::emit_deferred_answer(call);
                emit_request(request);
            }
        }
    }
    call::leave(call);
    Ok(())
}
