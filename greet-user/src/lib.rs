// SPDX-License-Identifier: MIT OR Apache-2.0
//! Greets the kernel over netlink and shows the message crossing the boundary.
