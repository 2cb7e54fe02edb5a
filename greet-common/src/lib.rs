// SPDX-License-Identifier: MIT OR Apache-2.0
//! What both sides of the user/kernel boundary agree on.
#![no_std]
