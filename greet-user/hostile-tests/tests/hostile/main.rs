// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hostile suite: does to the module whatever a malicious program can.
//!
//! It runs as root inside the virtual machine; the messages come from unprivileged threads and
//! processes. The sockets deliberately use raw libc: a netlink library would refuse to send such
//! messages.
//!
//! [`arena::hostile`] wraps every test. Afterwards the module must still answer, its counters must
//! have moved by exactly what [`model`] predicts for the bytes sent, the kernel log must be free of
//! bug reports, and nothing may have leaked.
//!
//! Environment: `GREET_HOSTILE_FACTOR` multiplies the number of messages (1), `GREET_HOSTILE_SEED`
//! repeats a run.

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
