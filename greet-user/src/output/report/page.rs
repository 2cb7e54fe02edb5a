// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the page: first what can be read without a script, then the data, then the script.

use std::io::{self, Write};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use greet_trace::{
    journey::Status,
    run::{Opening, Summary},
};
use sha2::{Digest as _, Sha256};

use super::{
    data,
    html::Text,
    kept::Held,
    loss::Loss,
    processes::{Group, Whose},
    summary,
};

/// The page, with places for the parts that depend on the run.
const PAGE: &str = include_str!("page/page.html");

/// The style sheet.
const STYLE: &str = concat!(
    include_str!("page/base.css"),
    include_str!("page/summary.css"),
    include_str!("page/list.css"),
    include_str!("page/diagram.css"),
    include_str!("page/messages.css"),
    include_str!("page/print.css"),
);

/// The script.
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("page/dom.js"),
    include_str!("page/format.js"),
    include_str!("page/data.js"),
    include_str!("page/theme.js"),
    include_str!("page/place.js"),
    include_str!("page/histogram.js"),
    include_str!("page/latency.js"),
    include_str!("page/filter.js"),
    include_str!("page/list.js"),
    include_str!("page/layout.js"),
    include_str!("page/diagram.js"),
    include_str!("page/zoom.js"),
    include_str!("page/messages.js"),
    include_str!("page/detail.js"),
    include_str!("page/main.js"),
    "})();\n",
);

/// A finished run.
pub(super) struct Finished<'a> {
    /// The command that made the report, as typed.
    pub command: &'a str,
    /// The run's opening.
    pub run: Option<&'a Opening>,
    /// Greetings sent.
    pub sent: u64,
    /// CLOCK_MONOTONIC, ns.
    pub began_ns: u64,
    /// CLOCK_MONOTONIC, ns.
    pub ended_ns: u64,
    /// The counts.
    pub observed: &'a Summary,
    /// Numbers of exchanges by status.
    pub statuses: &'a [(Status, u64)],
    /// The groups of exchanges, with their names and spans.
    pub groups: Vec<(Whose, String, &'a Group)>,
    /// The lost messages to list.
    pub losses: &'a [Loss],
    /// Number of exchanges left out.
    pub left_out: u64,
    /// The exchanges kept in full.
    pub exchanges: Vec<&'a Held>,
}

impl Finished<'_> {
    /// Total number of exchanges.
    pub(super) fn count(&self) -> u64 {
        self.statuses.iter().map(|(_, count)| count).sum()
    }

    /// Start of the run, in ns since 1970.
    pub(super) fn began_unix_ns(&self) -> u64 {
        let boot_ns = self.run.map(|run| run.system().boot_time_unix_ns);
        boot_ns.unwrap_or(0).saturating_add(self.began_ns)
    }

    /// Writes the whole page.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (_, page) = PAGE.split_once('\n').unwrap_or_default();
        let mut pieces = page.split("{{");
        write!(out, "{}", pieces.next().unwrap_or_default())?;
        for piece in pieces {
            let (place, behind) = piece.split_once("}}").unwrap_or_default();
            match place {
                "policy" => write!(out, "{}", policy())?,
                "title" => write!(out, "{}", Text(&summary::title(self)))?,
                "style" => write!(out, "{STYLE}")?,
                "summary" => summary::write(self, out)?,
                "percentiles" => summary::percentiles(self, out)?,
                "losses" => summary::losses(self, out)?,
                "data" => data::write(self, out)?,
                "script" => write!(out, "{SCRIPT}")?,
                _ => unreachable!("the page has no other places: {place}"),
            }
            write!(out, "{behind}")?;
        }
        out.flush()
    }
}

/// The Content-Security-Policy: only this script and this style.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}
