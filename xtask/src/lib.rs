// SPDX-License-Identifier: MIT OR Apache-2.0
//! What xtask on the host and its programs in the virtual machine agree on.
//!
//! Only the frames of the channel between them, the bench's measurements and the guest's mounts
//! belong here:
//! everything else of xtask runs on the host and lives in the binary.

pub mod frame;
pub mod job;
pub mod mounts;
