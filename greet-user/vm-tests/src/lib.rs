// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests that need a kernel of their own: `cargo xtask test` boots one and runs them in it.
//!
//! `tests/vm` runs greet-user against the real module; `tests/hostile` attacks the module as an
//! unprivileged program can. Both refuse to run anywhere else (`GREET_VM` is not set there).
