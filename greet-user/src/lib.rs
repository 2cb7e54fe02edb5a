// SPDX-License-Identifier: MIT OR Apache-2.0
//! What greet-user has in common with its tests in virtual machines: the netlink client of the
//! greeting module, and the files that a program writes as root. Tracing is in the crate
//! `greet_trace`; everything else is private to the program.

pub mod client;
pub mod target;
