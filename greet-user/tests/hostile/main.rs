// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hostile messages against the module, inside the virtual machine.
