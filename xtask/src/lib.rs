// SPDX-License-Identifier: MIT OR Apache-2.0
//! Code shared between xtask on the host and its programs in the virtual machine.
//!
//! Only the frames of the channel between them, the benchmark's measurements and the guest's mounts
//! belong here; everything else in xtask runs on the host and is part of the binary.

pub mod frame;
pub mod job;
pub mod mounts;
