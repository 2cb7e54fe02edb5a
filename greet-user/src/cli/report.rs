// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much a report keeps: an option of everything that can write one.

use clap::{Args, value_parser};

use crate::output::REPORT_LIMIT;

/// How much the report keeps.
#[derive(Clone, Copy, Debug, Args)]
pub struct ReportOptions {
    /// Number of exchanges the report keeps in full; all are counted
    #[arg(long, value_name = "N", requires = "report", default_value_t = REPORT_LIMIT, value_parser = value_parser!(u32).range(1..))]
    pub report_limit: u32,
}
