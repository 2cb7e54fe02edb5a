// SPDX-License-Identifier: MIT OR Apache-2.0
//! The location of greet-user's sources, determined at run time: a checkout may be copied after it
//! was built, and `env!` would name the original.

use std::{env, path::PathBuf};

/// greet-user's directory in the source tree. Cargo and xtask set the variable for each test.
pub fn package() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR")
        .expect("CARGO_MANIFEST_DIR is set: run this by `cargo test` or `cargo xtask test`")
        .into()
}

/// A committed recording.
pub fn recording(name: &str) -> PathBuf {
    package().join("tests/recordings").join(name)
}
