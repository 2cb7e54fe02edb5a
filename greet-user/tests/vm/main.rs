// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests that run inside the virtual machine, against the real module and kernel.
