// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The processes of a traced command: a child joins its parent's family before it runs, and leaves
//! it when the kernel frees its PID.

use aya_ebpf::{macros::raw_tracepoint, programs::RawTracePointContext};

use super::report_fault;
use crate::{
    maps::FAMILY,
    read::{Fault, Probed},
    task::Task,
};

/// proto: include/trace/events/sched.h: void sched_process_fork(struct task_struct *parent, struct task_struct *child)
#[raw_tracepoint(tracepoint = "sched_process_fork")]
fn fork(ctx: RawTracePointContext) -> i32 {
    report_fault!(&ctx, try_fork(&ctx));
    0
}

#[inline(always)]
fn try_fork(ctx: &RawTracePointContext) -> Result<(), Fault> {
    let parent = Task::of::<Probed>(ctx.arg(0))?;
    // The whole process is in the family, so a new thread of it already is.
    if FAMILY.get_ptr(parent.pid).is_none() {
        return Ok(());
    }
    let child = Task::of::<Probed>(ctx.arg(1))?;
    if child.pid != parent.pid {
        FAMILY
            .insert(child.pid, crate::filter::MEMBER, 0)
            .map_err(|errno| Fault(errno.into()))?;
    }
    Ok(())
}

/// proto: include/trace/events/sched.h: void sched_process_free(struct task_struct *p)
#[raw_tracepoint(tracepoint = "sched_process_free")]
fn free(ctx: RawTracePointContext) -> i32 {
    report_fault!(&ctx, try_free(&ctx));
    0
}

#[inline(always)]
fn try_free(ctx: &RawTracePointContext) -> Result<(), Fault> {
    let task = Task::of::<Probed>(ctx.arg(0))?;
    // The first thread's ID is that of the process, and is freed last.
    if task.tid == task.pid && FAMILY.get_ptr(task.pid).is_some() {
        FAMILY
            .remove(task.pid)
            .map_err(|errno| Fault(errno.into()))?;
    }
    Ok(())
}
