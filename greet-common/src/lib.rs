// SPDX-License-Identifier: MIT OR Apache-2.0
//! What both sides of the user/kernel boundary agree on: the [`wire`] format of the greeting, the
//! [`stage`]s a message passes, and the [`event`] records in which the eBPF programs report them.
//! [`socket`] has the records of a walk through all sockets, [`call`] what the programs keep of a
//! call.
//!
//! It compiles for the BPF target and for user space, so: no standard library and no
//! allocation. Only user space reads records.
#![no_std]

pub mod call;
pub mod event;
pub mod socket;
pub mod stage;
pub mod wire;

pub use stage::Stage;
