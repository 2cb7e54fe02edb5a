// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The eBPF programs of the netlink tracer: each records the timestamp of one stage of a message's
//! path and passes it to user space.
//!
//! This file holds no logic. [`probes`] has one file for each program, [`filter`] decides what is
//! traced, [`read`] reads kernel memory (all `unsafe` is there and in the one line of [`emit`] that
//! needs it), [`record`] fills the records, [`emit`] submits them, [`maps`] holds what user space
//! can see, [`globals`] what it decides.
#![no_std]
#![feature(core_intrinsics)]
#![expect(internal_features, reason = "see `call::take`")]
#![no_main]

mod call;
mod close;
mod continuation;
mod emit;
mod filter;
mod globals;
mod loss;
mod maps;
mod probes;
mod read;
mod record;
mod round_trip;
mod task;
mod uncrossed;
mod walk;

/// Tracing helpers are available only to GPL-compatible programs.
#[expect(
    unsafe_code,
    reason = "the kernel looks for the licence in a section of this name"
)]
// SAFETY: a byte array in a section that the loader reads as a string; nothing else is in it.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

/// A panic must never be reachable; this loop never ends, so the verifier refuses a program that
/// could reach it ("last insn is not an exit or jmp"), as in aya's `ebpf-panic`.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
