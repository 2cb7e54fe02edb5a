// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Prometheus' own tool says about the metrics, the dashboard and the alerts.
//!
//! Needs promtool, at the path in GREET_PROMTOOL or in PATH; without it these tests fail.

mod dashboard;
mod feeding;
mod hostile;
#[path = "../support/package.rs"]
mod package;
#[path = "../support/program.rs"]
mod program;
mod promtool;
mod recordings;
mod rules;
mod scraping;
