// SPDX-License-Identifier: MIT OR Apache-2.0
//! The views that write text, files and numbers: one module per format.

mod human;
mod json;
#[cfg(feature = "metrics")]
mod metrics;
mod pcapng;
mod report;

#[cfg(feature = "top")]
pub use human::parts;
pub use human::{Human, RenderOptions};
pub use json::Json;
#[cfg(feature = "metrics")]
pub use metrics::{Metrics, Scrape, Syntax};
pub use pcapng::Pcapng;
pub use report::{LIMIT as REPORT_LIMIT, Report};

#[cfg(test)]
pub(crate) mod schema;
#[cfg(test)]
mod tests;
