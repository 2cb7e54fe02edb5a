// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! What is traced: decided before anything is timestamped, read or copied.

use crate::{
    globals::{
        FILTER_COMM_HIGH, FILTER_COMM_LOW, FILTER_NETNS, FILTER_PID, FILTER_PORT, FILTER_PORT_SET,
        FILTER_PROCESS_HIGH, FILTER_PROCESS_LOW, FILTER_PROTOCOLS, FILTER_TASKS,
    },
    maps::FAMILY,
    read::{Fault, Memory, Sock},
    task::Task,
};

/// `FILTER_TASKS`: any process.
const ANY: u32 = 0;
/// `FILTER_TASKS`: the one that `FILTER_PID` names; any other number: those in `FAMILY`.
const ONE: u32 = 1;

/// In `FAMILY`: a process to trace. Any other number: only its children are traced.
pub const MEMBER: u32 = 1;

/// Does this process belong to the traced command?
#[inline(always)]
#[expect(unsafe_code, reason = "aya gives maps' memory as raw pointers")]
fn is_member(pid: u32) -> bool {
    // SAFETY: the pointer is into the map's memory, and any bits are a number.
    FAMILY
        .get_ptr(pid)
        .is_some_and(|kind| unsafe { *kind } == MEMBER)
}

/// Are tasks filtered?
#[inline(always)]
pub fn by_task() -> bool {
    FILTER_TASKS.load() != ANY || by_name()
}

/// Are names filtered?
#[inline(always)]
fn by_name() -> bool {
    FILTER_COMM_LOW.load() != 0 || FILTER_PROCESS_LOW.load() != 0
}

/// Is this socket's protocol traced?
#[inline(always)]
pub fn wanted_protocol(protocol: u32) -> bool {
    let wanted = FILTER_PROTOCOLS.load();
    // Netlink has 32 protocols (MAX_LINKS); the mask only proves it to the verifier.
    wanted == u32::MAX || wanted & 1 << (protocol & 31) != 0
}

/// Is this socket's network namespace traced?
#[inline(always)]
pub fn wanted_netns<M: Memory>(sock: Sock) -> Result<bool, Fault> {
    let wanted = FILTER_NETNS.load();
    Ok(wanted == 0 || wanted == sock.netns::<M>()?)
}

/// Are ports filtered?
#[inline(always)]
pub fn by_port() -> bool {
    FILTER_PORT_SET.load() != 0
}

/// Is either of these ports traced?
#[inline(always)]
pub fn wanted_port(portid: u32, peer_portid: u32) -> bool {
    let wanted = FILTER_PORT.load();
    FILTER_PORT_SET.load() == 0 || wanted == portid || wanted == peer_portid
}

/// Is this task traced?
#[inline(always)]
pub fn wanted_task(task: &Task) -> Result<bool, Fault> {
    let of_process = match FILTER_TASKS.load() {
        ANY => true,
        ONE => task.pid == FILTER_PID.load(),
        _ => is_member(task.pid),
    };
    if !of_process || !by_name() {
        return Ok(of_process);
    }
    let process = [FILTER_PROCESS_LOW.load(), FILTER_PROCESS_HIGH.load()];
    if process[0] != 0 && task.process_name()? != process {
        return Ok(false);
    }
    let comm = [FILTER_COMM_LOW.load(), FILTER_COMM_HIGH.load()];
    if comm[0] == 0 || task.comm()? == comm {
        return Ok(true);
    }
    // io_uring's workers have names of their own, but work for a thread with the wanted one.
    Ok(task.is_io_worker()? && task.process_name()? == comm)
}
