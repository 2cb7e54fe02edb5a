// SPDX-License-Identifier: MIT OR Apache-2.0
//! The help texts.

use clap::CommandFactory as _;

use super::*;

#[test]
fn the_help_text() {
    Cli::command().debug_assert();
    insta::assert_snapshot!(Cli::command().term_width(100).render_long_help());
}
