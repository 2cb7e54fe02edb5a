// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! One stage in each file: the program that the tracer attaches by preference (fentry, fexit),
//! and the one that it attaches where those are not to be had or may be skipped (kprobe,
//! kretprobe): `greet-user/src/tracer/hooks.rs` says when. Both do the same; they differ in
//! how they come by the arguments and read memory. Above the first stands the prototype of
//! the kernel function that it watches; `greet-user/vm-tests/tests/vm/proto.rs` compares the two on
//! each kernel. Where neither kind is to be had, the programs of [`tracepoint`] show a part.
//!
//! A program must never disturb what it watches: whatever happens, it returns 0. What
//! it could not read is counted as dropped and, if asked for, told through aya-log.

mod closed;
mod copied;
mod cross;
mod delivered;
mod died;
mod extack;
mod failed;
mod family;
mod handle;
mod handled;
mod overrun;
mod queue;
mod receive;
mod send;
mod sent;
mod sockets;
mod tracepoint;

pub use delivered::Read;

/// An argument of the function that a kprobe is on.
macro_rules! argument {
    ($ctx:expr, $n:expr) => {
        match $ctx.arg($n) {
            Some(argument) => argument,
            // Fewer than seven are in registers, and no watched function has more.
            None => return 0,
        }
    };
}
use argument;

/// Tells user space about the rare event that kernel memory could not be read.
macro_rules! report_fault {
    ($ctx:expr, $result:expr) => {
        if let Err($crate::read::Fault(errno)) = $result {
            aya_log_ebpf::warn!($ctx, "unexpected shape: reading failed with {}", errno);
        }
    };
}
use report_fault;
