// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of greet-user that need a kernel with the module: `cargo xtask test` boots one and runs
//! them in it. They refuse to run elsewhere, if `GREET_VM` is not set.
