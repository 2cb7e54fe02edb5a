// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A task, mostly the running one, by direct loads: its name costs 10 instructions, where
//! `bpf_get_current_comm` takes 253.
#![expect(unsafe_code, reason = "kernel memory is reached through raw pointers")]

use aya_ebpf::helpers::generated::bpf_get_current_task_btf;

use crate::{
    globals::{TASK_COMM, TASK_PID, TASK_TGID},
    read::{Direct, Fault, Memory},
};

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
        // SAFETY: the helper takes nothing; the pointer it gives is typed and always valid.
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

    /// Its command name, NUL-terminated, as two numbers in memory order.
    #[inline(always)]
    pub fn comm(&self) -> Result<[u64; 2], Fault> {
        // SAFETY: any bits are a number.
        unsafe {
            Ok([
                Direct::read(self.pointer, TASK_COMM.load())?,
                Direct::read(self.pointer, TASK_COMM.load() + 8)?,
            ])
        }
    }
}
