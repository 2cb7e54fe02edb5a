// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tests that attack the module: `cargo xtask test` boots a kernel and runs them in it.
//!
//! They do not use greet-user, and are a separate crate so that the code that sends a million
//! messages is optimised and nothing else has to be.
