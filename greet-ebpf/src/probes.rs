// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! One program in each file. Above it stands the prototype of the kernel function it
//! watches; `greet-user/tests/vm/proto.rs` compares the two on each kernel.
//!
//! A program must never disturb what it watches: whatever happens, it returns 0. What
//! it could not read is counted as dropped and, if asked for, told through aya-log.

mod cross;
mod delivered;
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

/// Tells user space about the rare event that kernel memory could not be read.
macro_rules! tell {
    ($ctx:expr, $result:expr) => {
        if let Err($crate::read::Fault(errno)) = $result {
            aya_log_ebpf::warn!($ctx, "unexpected shape: reading failed with {}", errno);
        }
    };
}
use tell;
