// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports as their readers meet them: in a browser, by mouse, by keyboard, on a phone, in the
//! dark and on paper.
//!
//! Needs chromium and its chromedriver: `chromium` and `chromedriver`, or what GREET_CHROMIUM
//! and GREET_CHROMEDRIVER name. Reports are made from recordings by the tool itself; where
//! GREET_REPORT names a further one and GREET_REPORT_JSON the JSON lines of the same run, that
//! one is held against them as well.

mod chromium;
mod counts;
mod drawing;
#[path = "../support/entries.rs"]
mod entries;
mod finding;
mod hostile;
mod looks;
#[path = "../support/package.rs"]
mod package;
#[path = "../support/program.rs"]
mod program;
mod reports;
mod speed;
