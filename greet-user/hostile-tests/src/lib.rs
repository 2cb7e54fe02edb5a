// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tests that attack the module: `cargo xtask test` boots a kernel and runs them in it.
//!
//! They know nothing of greet-user, and are a crate of their own so that what sends a million
//! messages is optimised and nothing else has to be.
