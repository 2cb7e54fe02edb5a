// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where greet-user is, asked when a test runs: a checkout may have been copied after it was
//! built, and `env!` would name the original's.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The program that was built with this test: `<profile>/greet-user` beside `<profile>/deps`.
pub fn program() -> PathBuf {
    let test = env::current_exe().expect("this test's own path");
    let profile = test.parent().and_then(Path::parent);
    profile.expect("a test lies in deps/").join("greet-user")
}
