// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces netlink conversations with eBPF: every stage of every message, paired.

pub mod clock;
pub mod describe;
pub mod event;
pub mod greeting;
pub mod journey;
pub mod kernel;
pub mod recording;
pub mod run;
pub mod sockets;
pub mod statistics;
pub mod stream;
pub mod suggest;
pub mod tracer;
