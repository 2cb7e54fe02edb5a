// SPDX-License-Identifier: MIT OR Apache-2.0
//! What xtask on the host and `guest_init` in the virtual machine agree on.
//!
//! Only the frames of the channel between them belong here: everything else of
//! xtask runs on the host and lives in the binary.

pub mod frame;
