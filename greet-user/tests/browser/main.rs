// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports as users see them: in a browser, with mouse and keyboard, on a phone, in dark mode and
//! in print.
//!
//! Needs chromium and its chromedriver: `chromium` and `chromedriver`, or the programs named by
//! GREET_CHROMIUM and GREET_CHROMEDRIVER. The tool itself makes the reports from recordings; if
//! GREET_REPORT names another one, and GREET_REPORT_JSON the JSON lines of the same run, those are
//! compared too.

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
