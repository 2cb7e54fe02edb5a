// SPDX-License-Identifier: MIT OR Apache-2.0
//! The location of greet-user, determined at run time: a checkout may be copied after it was built,
//! and `env!` would name the original's.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The program built along with this test: `<profile>/greet-user` next to `<profile>/deps`.
pub fn program() -> PathBuf {
    let test = env::current_exe().expect("this test's own path");
    let profile = test.parent().and_then(Path::parent);
    profile.expect("a test lies in deps/").join("greet-user")
}
