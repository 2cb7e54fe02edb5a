// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hostile suite: what an ill-meaning program can do to the module, done to it.
//!
//! Runs as root inside the virtual machine; the messages come from threads and
//! processes without privileges. The sockets are raw libc on purpose: a netlink
//! library would not let us send what is sent here.
//!
//! [`arena::hostile`] frames every test. Afterwards the module must still answer,
//! its counters must have moved by exactly what [`model`] says of the bytes sent,
//! the kernel log must be free of reports and nothing may be left behind.
//!
//! Environment: `GREET_HOSTILE_FACTOR` multiplies the number of messages (1),
//! `GREET_HOSTILE_SEED` repeats a run.

mod arena;
mod client;
mod kernel_log;
mod leftovers;
mod model;
mod module;
mod mutate;
mod report;
mod sys;
mod wire;

mod allocations;
mod closing;
mod compatible;
mod loading;
mod logging;
mod messages;
mod namespaces;
mod parameters;
mod sockets;
mod z_last;
