// SPDX-License-Identifier: MIT OR Apache-2.0
//! JSON output: one object per check, and a closing summary.

use std::io::{self, Write};

use serde::Serialize;

use super::report::{Report, Verdict};
use crate::json_line::json_line;

#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    v: u32,
    name: &'a str,
    verdict: &'static str,
    found: &'a str,
    means: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    advice: &'a str,
}

#[derive(Serialize)]
struct Conclusion {
    kind: &'static str,
    v: u32,
    status: u8,
    conclusion: &'static str,
    ok: usize,
    warnings: usize,
    failures: usize,
    not_checked: usize,
}

/// Writes the report.
///
/// # Errors
/// If it cannot be written.
pub fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for check in &report.checks {
        let line = Line {
            kind: "check",
            v: 1,
            name: &check.name,
            verdict: verdict(check.verdict),
            found: &check.found,
            means: &check.means,
            advice: &check.advice,
        };
        out.write_all(&json_line(&line)?)?;
    }
    let conclusion = Conclusion {
        kind: "conclusion",
        v: 1,
        status: report.status(),
        conclusion: report.conclusion(),
        ok: report.count(Verdict::Ok),
        warnings: report.count(Verdict::Warning),
        failures: report.count(Verdict::Failure),
        not_checked: report.count(Verdict::NotChecked),
    };
    out.write_all(&json_line(&conclusion)?)
}

/// The verdict as a single word, for programs to compare.
const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotChecked => "not_checked",
        other => other.name(),
    }
}
