// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The eBPF programs of the netlink observatory.
#![no_std]
#![no_main]
