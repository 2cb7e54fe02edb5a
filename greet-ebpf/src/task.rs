// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A task, usually the running one, read by direct loads: its name costs 10 instructions, whereas
//! `bpf_get_current_comm` takes 253.
#![expect(unsafe_code, reason = "kernel memory is reached through raw pointers")]

use aya_ebpf::helpers::generated::bpf_get_current_task_btf;

use crate::{
    globals::{
        TASK_COMM, TASK_EXIT_CODE, TASK_FLAGS, TASK_GROUP_LEADER, TASK_PENDING, TASK_PID, TASK_TGID,
    },
    read::{Direct, Fault, Memory},
};

/// `PF_IO_WORKER` (include/linux/sched.h): a thread created by io_uring.
const PF_IO_WORKER: u32 = 0x10;

/// `SIGKILL`, as a bit of a signal set. If a signal ends the process, the kernel adds it for each
/// thread (`complete_signal()`, kernel/signal.c).
const SIGKILL: u64 = 1 << 8;

/// A task.
#[derive(Clone, Copy)]
pub struct Task {
    pointer: *const u8,
    /// Process ID (thread group).
    pub pid: u32,
    /// Thread ID.
    pub tid: u32,
}

impl Task {
    /// The running one.
    #[inline(always)]
    pub fn current() -> Result<Self, Fault> {
        // SAFETY: the helper takes nothing; the pointer it returns is typed and always valid.
        Self::of::<Direct>(
            unsafe { bpf_get_current_task_btf() }
                .cast_const()
                .cast::<u8>(),
        )
    }

    /// Another one, by its address.
    #[inline(always)]
    pub fn of<M: Memory>(pointer: *const u8) -> Result<Self, Fault> {
        // SAFETY: any bits are a number.
        unsafe {
            Ok(Self {
                pointer,
                pid: M::read(pointer, TASK_TGID.load())?,
                tid: M::read(pointer, TASK_PID.load())?,
            })
        }
    }

    /// Its exit code, as wait(2) reports it; 0 before it exits.
    #[inline(always)]
    pub fn exit_code(&self) -> Result<u32, Fault> {
        // SAFETY: any bits are a number.
        unsafe { Direct::read(self.pointer, TASK_EXIT_CODE.load()) }
    }

    /// Will it end before it returns to user space? The same check as `fatal_signal_pending()`
    /// (include/linux/sched/signal.h).
    #[inline(always)]
    pub fn is_being_killed(&self) -> Result<bool, Fault> {
        // SAFETY: any bits are a number.
        let pending: u64 = unsafe { Direct::read(self.pointer, TASK_PENDING.load()) }?;
        Ok(pending & SIGKILL != 0)
    }

    /// Its command name, NUL-terminated, as two numbers in memory order.
    #[inline(always)]
    pub fn comm(&self) -> Result<[u64; 2], Fault> {
        name(self.pointer)
    }

    /// The name of its process, which is that of the thread group leader.
    #[inline(always)]
    pub fn process_name(&self) -> Result<[u64; 2], Fault> {
        // SAFETY: an address is a number until it is read through, which the verifier checks.
        name(unsafe { Direct::read::<*const u8>(self.pointer, TASK_GROUP_LEADER.load()) }?)
    }

    /// Does it work for another thread of its process, as io_uring's workers do?
    #[inline(always)]
    pub fn is_io_worker(&self) -> Result<bool, Fault> {
        // SAFETY: any bits are a number.
        Ok(unsafe { Direct::read::<u32>(self.pointer, TASK_FLAGS.load()) }? & PF_IO_WORKER != 0)
    }
}

#[inline(always)]
fn name(task: *const u8) -> Result<[u64; 2], Fault> {
    // SAFETY: any bits are a number.
    unsafe {
        Ok([
            Direct::read(task, TASK_COMM.load())?,
            Direct::read(task, TASK_COMM.load() + 8)?,
        ])
    }
}
