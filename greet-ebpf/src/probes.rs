// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! One stage per file: the program that the tracer attaches by preference (fentry, fexit), and the
//! one that it attaches if those are not available or may be skipped (kprobe, kretprobe): see
//! `greet-user/trace/src/tracer/hooks.rs`. Both do the same; they differ in how they get the arguments
//! and read memory. The prototype of the kernel function is given above the first;
//! `greet-user/vm-tests/tests/vm/proto.rs` compares the two on each kernel. If neither kind is
//! available, the programs of [`tracepoint`] show a subset.
//!
//! A program must never disturb what it traces: whatever happens, it returns 0. What it could not
//! read is counted as dropped and, if asked for, reported through aya-log.

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
            // Fewer than seven are in registers, and no traced function has more.
            None => return 0,
        }
    };
}
use argument;

/// Reports to user space the rare case that kernel memory could not be read.
macro_rules! report_fault {
    ($ctx:expr, $result:expr) => {
        if let Err($crate::read::Fault(errno)) = $result {
            aya_log_ebpf::warn!($ctx, "unexpected shape: reading failed with {}", errno);
        }
    };
}
use report_fault;
