// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! What is looked at: decided before anything is read or copied.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;

use crate::globals::{FILTER_PID, FILTER_PROTOCOL};

/// The running task.
#[derive(Clone, Copy)]
pub struct Task {
    /// Process ID (thread group).
    pub pid: u32,
    /// Thread ID.
    pub tid: u32,
}

/// The running task, if its process is one to look at.
#[inline(always)]
pub fn wanted_task() -> Option<Task> {
    let both = bpf_get_current_pid_tgid();
    let task = Task {
        pid: (both >> 32) as u32,
        tid: both as u32,
    };
    let pid = FILTER_PID.load();
    (pid == 0 || pid == task.pid).then_some(task)
}

/// Is this protocol one to look at?
#[inline(always)]
pub fn wanted_protocol(protocol: u32) -> bool {
    let wanted = FILTER_PROTOCOL.load();
    wanted == u32::MAX || wanted == protocol
}
