// SPDX-License-Identifier: MIT OR Apache-2.0
//! Human-readable output: one line per check, with the advice below it.
//!
//! ```text
//! ok           kernel           6.12.117: all that the tracer uses was there before
//! warning      module           NetlinkGreetingsLKM is not loaded: no module answers
//!                               try `sudo insmod kmod/NetlinkGreetingsLKM.ko`
//! ```

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use greet_trace::event::escaped;
use textwrap::{Options, WordSplitter, wrap};

use super::report::{Check, Report, Verdict};

/// Widths of the longest verdict and of the longest reasonable name.
const VERDICT: usize = 11;
const NAME: usize = 18;
/// Both, each followed by two spaces.
const INDENT: usize = VERDICT + NAME + 4;
/// Text is never wrapped narrower than this.
const LEAST: usize = 24;

/// Writes the report. Without a `width`, lines are not wrapped.
///
/// # Errors
/// If it cannot be written.
pub fn write(out: &mut impl Write, report: &Report, width: Option<usize>) -> io::Result<()> {
    for check in &report.checks {
        write_check(out, check, width)?;
    }
    let counts: Vec<_> = Verdict::ALL
        .into_iter()
        .map(|verdict| format!("{}: {}", verdict.name(), report.count(verdict)))
        .collect();
    writeln!(out, "\n{}\n{}", report.conclusion(), counts.join(", "))
}

fn write_check(out: &mut impl Write, check: &Check, width: Option<usize>) -> io::Result<()> {
    let style = style(check.verdict);
    let (verdict, name) = (check.verdict.name(), &check.name);
    write!(
        out,
        "{style}{verdict:<VERDICT$}{style:#}  {name:<NAME$}  ",
        style = style
    )?;
    let told = match (check.found.as_str(), check.means.as_str()) {
        (found, "") => found.to_owned(),
        (found, means) => format!("{found}: {means}"),
    };
    let lines = wrapped(&told, width)
        .into_iter()
        .chain(wrapped(&check.advice, width));
    for (at, line) in lines.enumerate() {
        let indent = if at == 0 { 0 } else { INDENT };
        writeln!(out, "{:indent$}{line}", "")?;
    }
    Ok(())
}

fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let text = &*escaped(text.as_bytes());
    let width = width.map_or(usize::MAX, |width| width.saturating_sub(INDENT).max(LEAST));
    // Commands must not be broken at hyphens.
    let options = Options::new(width).word_splitter(WordSplitter::NoHyphenation);
    let lines = wrap(text, options).into_iter();
    lines.map(std::borrow::Cow::into_owned).collect()
}

const fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => AnsiColor::Green.on_default(),
        Verdict::Warning => AnsiColor::Yellow.on_default().bold(),
        Verdict::Failure => AnsiColor::Red.on_default().bold(),
        Verdict::NotChecked => Style::new().dimmed(),
    }
}
