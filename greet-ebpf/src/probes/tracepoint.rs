// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! What can be seen on a kernel that allows neither fentry nor kprobes: the stages at which it
//! passes one of its own tracepoints. These fire for sockets of every family, so the family is
//! checked first, for a few instructions. None of them marks the start of a call, so a call starts
//! with the first event seen in it; the task's stack shows whether it is in `netlink_sendmsg` at
//! all.
#![expect(unsafe_code, reason = "aya gives maps' memory as raw pointers")]

mod closed;
mod delivered;
mod extack;
mod queue;
mod receive;
mod sent;

use aya_ebpf::{EbpfContext, helpers::generated::bpf_get_stack};
use greet_common::call::{Call, CallState, TracepointConfig};

use crate::{
    call,
    emit::count_drop,
    maps::{STACK, STACK_DEPTH, TRACEPOINT_CONFIG},
    task::Task,
};

/// What user space has passed about this kernel.
#[inline(always)]
fn config() -> Option<&'static TracepointConfig> {
    TRACEPOINT_CONFIG.get(0)
}

/// The call in which the running task is sending, if it is; it starts here if not seen before.
#[inline(always)]
fn sending<C: EbpfContext>(ctx: &C, task: &Task) -> Option<*mut Call> {
    if !in_sendmsg(ctx) {
        return None;
    }
    call::current_if(task.tid, CallState::Sending).or_else(|| begin(task))
}

/// Starts a call that sends.
#[inline(always)]
fn begin(task: &Task) -> Option<*mut Call> {
    let call = call::enter(task, CallState::Sending);
    match call {
        // SAFETY: the slot is this task's.
        Some(call) => unsafe { (*call).request.datagram.peer_portid = 0 },
        None => count_drop(),
    }
    call
}

/// Is `netlink_sendmsg` in the call stack?
#[inline(always)]
fn in_sendmsg<C: EbpfContext>(ctx: &C) -> bool {
    const SIZE: u32 = STACK_DEPTH as u32 * 8;
    let (Some(config), Some(stack)) = (config(), STACK.get_ptr_mut(0)) else {
        return false;
    };
    if config.sendmsg_start == 0 {
        return false;
    }
    // SAFETY: the map's value has this size, and is this CPU's own: the kernel runs only one
    // instance of a program at a time on each CPU, and the programs that call this function do not
    // get in each other's way long enough to matter: an interrupted one reads the other's
    // addresses, of the same stack.
    let len = unsafe { bpf_get_stack(ctx.as_ptr(), stack.cast(), SIZE, 0) };
    for at in 0..STACK_DEPTH {
        if at as i64 * 8 >= len {
            break;
        }
        // SAFETY: `at` is within the value.
        let address = unsafe { (&raw const (*stack)[at]).read_volatile() };
        // A return address follows its call instruction.
        if address > config.sendmsg_start && address <= config.sendmsg_end {
            return true;
        }
    }
    false
}
