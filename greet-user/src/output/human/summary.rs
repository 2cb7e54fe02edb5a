// SPDX-License-Identifier: MIT OR Apache-2.0
//! The closing summary: the spans' percentiles, and the distribution of the totals.

use greet_trace::{
    journey::{COMPLETE, FIRST_REPLY, SPANS},
    statistics::{Bin, Distribution},
};

use super::{
    line::Line,
    render::{BOLD, DIM, ERROR, PLAIN, RenderOptions, TO_USER},
    text::{counted, microseconds},
};

/// Columns of a span's name, and of each number.
const NAME: usize = 11;
const NUMBER: usize = 11;
/// Fewer do not make a histogram.
const FEW: u64 = 5;
/// Columns of the longest bar.
const BAR: usize = 40;

/// A table of the spans, with their percentiles.
pub(super) fn spans(
    spans: &[(&'static str, Distribution)],
    render: &RenderOptions,
    out: &mut String,
) {
    // A single one adds nothing to its ladder.
    if spans.iter().all(|(_, times)| times.count < 2) {
        return;
    }
    let us = render.glyphs().us;
    let mut line = Line::new(render);
    line.push(DIM, &format!("span, {us}"));
    for (at, name) in ["p50", "p90", "p99", "max", "count"].iter().enumerate() {
        line.right(DIM, name, NAME + (at + 1) * NUMBER);
    }
    line.end(out);
    // In the order of the stages, whatever came first. Spans of the whole exchange, which have no
    // place in that order, come last.
    let place = |name: &str| SPANS.iter().position(|(known, ..)| *known == name);
    let mut spans = spans.to_vec();
    spans.sort_by_key(|(name, _)| place(name).unwrap_or(SPANS.len()));
    // With one reply each, both are the same.
    let of = |wanted| spans.iter().find(|(name, _)| *name == wanted);
    let (first, whole) = (of(FIRST_REPLY), of(COMPLETE));
    if first
        .zip(whole)
        .is_some_and(|(first, whole)| first.1 == whole.1)
    {
        spans.retain(|(name, _)| *name != COMPLETE);
    }
    for (name, times) in &spans {
        let mut line = Line::new(render);
        let style = if [FIRST_REPLY, COMPLETE].contains(name) {
            BOLD
        } else {
            PLAIN
        };
        // They lie within the one above.
        let indent = if ["build", "enqueue"].contains(name) {
            2
        } else {
            0
        };
        line.to(indent).push(style, name);
        for (at, ns) in [times.p50, times.p90, times.p99, times.max]
            .iter()
            .enumerate()
        {
            line.right(style, &microseconds(*ns), NAME + (at + 1) * NUMBER);
        }
        line.right(DIM, &times.count.to_string(), NAME + 5 * NUMBER);
        line.end(out);
    }
}

/// The distribution of the times to the first reply.
pub(super) fn histogram(bins: &[Bin], render: &RenderOptions, out: &mut String) {
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0);
    let count: u64 = bins.iter().map(|bin| bin.count).sum();
    if bins.len() < 2 || count < FEW {
        return;
    }
    let glyphs = render.glyphs();
    let mut line = Line::new(render);
    line.push(DIM, &format!("first reply, {}, how often", glyphs.us))
        .end(out);
    for bin in bins {
        let mut line = Line::new(render);
        line.right(PLAIN, &border(bin.from), NAME);
        line.push(DIM, " to")
            .right(PLAIN, &border(bin.to), NAME + 12);
        line.push(PLAIN, "  ");
        let filled = (bin.count * BAR as u64).div_ceil(most);
        let filled = usize::try_from(filled).unwrap_or(BAR);
        line.push(TO_USER, &glyphs.bar.repeat(filled));
        let gap = if filled == 0 { "" } else { " " };
        line.push(PLAIN, &format!("{gap}{}", bin.count)).end(out);
    }
}

/// Most are whole numbers.
fn border(ns: u64) -> String {
    let text = microseconds(ns);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// What the tracer counted.
pub(super) fn events(
    events: u64,
    dropped: u64,
    missed: u64,
    render: &RenderOptions,
    out: &mut String,
) {
    let style = if dropped > 0 { ERROR } else { PLAIN };
    let mut line = Line::new(render);
    line.push(PLAIN, &counted(events, "event seen, ", "events seen, "));
    line.push(style, &format!("{dropped} dropped"));
    if missed > 0 {
        line.push(PLAIN, ", ");
        let (one, several) = (
            "call (of any process) missed",
            "calls (of any process) missed",
        );
        line.push(ERROR, &counted(missed, one, several));
    }
    line.end(out);
}
