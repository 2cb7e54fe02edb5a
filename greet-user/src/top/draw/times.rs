// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long a conversation's exchanges took: percentiles of each span, and a histogram of the
//! totals.

use std::rc::Rc;

use greet_common::Stage;
use greet_trace::{
    journey::{FIRST_REPLY, SPANS},
    statistics::{Bin, Distribution, Durations, Spans},
};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    detail::{Extent, scrolled},
    numbers::compact,
    pane::{sentence, titled},
    theme::Theme,
};
use crate::{
    output::parts,
    top::state::{
        State,
        action::Pane,
        conversation::{Kept, Row},
    },
};

/// Columns of a span's name, and of each number.
const NAME: usize = 11;
const NUMBER: usize = 9;
/// Columns of the longest bar.
const WIDEST: usize = 60;

/// Draws them.
pub(super) fn draw(
    state: &State,
    (row, kept): (Option<&Row>, &[Rc<Kept>]),
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) -> Extent {
    let has_keys = state.pane == Pane::Times;
    // Of all exchanges while the screen is live, of those retained while it is not.
    let known = row.and_then(|row| state.times(row.id));
    let whose = if known.is_some() {
        "all exchanges so far".to_owned()
    } else {
        match kept.len() {
            1 => "of the one retained exchange".to_owned(),
            count => format!("of {} retained exchanges", compact(count as u64)),
        }
    };
    let area = titled((Pane::Times, area), &whose, has_keys, theme, buffer);
    let of_kept = || {
        let totals = kept.iter();
        let totals = totals.filter_map(|kept| kept.exchange.span(Stage::Send, Stage::Delivered));
        let mut times = Durations::default();
        totals.for_each(|total_ns| times.push(total_ns));
        times
    };
    let counted;
    let times = match known {
        Some(times) => times,
        None => {
            counted = of_kept();
            &counted
        }
    };
    let Some(total) = times.distribution() else {
        let text = "No exchange was seen from send to the delivery of its reply.";
        sentence(buffer, area, text, theme);
        return Extent::default();
    };
    let mut lines = table(&total, kept, theme);
    lines.push(Line::default());
    let columns = usize::from(area.width);
    lines.extend(histogram(&times.histogram(), columns, theme));
    scrolled(&lines, has_keys, state.scroll, area, buffer)
}

/// The time to the first reply of all exchanges, and each span of those retained.
fn table(total: &Distribution, kept: &[Rc<Kept>], theme: &Theme) -> Vec<Line<'static>> {
    let render = theme.render(0);
    let numbers = |texts: [&str; 5]| {
        let texts = texts.map(|text| format!("{text:>NUMBER$}"));
        texts.concat()
    };
    let heading = format!(" span, {}", parts::unit(&render));
    let headings = numbers(["p50", "p90", "p99", "max", "count"]);
    let heading = format!("{}{headings}", filled(&heading));
    let line = |name: &str, style: Style, times: &Distribution| {
        let [p50, p90, p99, max] = [times.p50, times.p90, times.p99, times.max].map(parts::short);
        let count = compact(times.count);
        let text = numbers([&p50, &p90, &p99, &max, &count]);
        Line::from(Span::styled(format!("{}{text}", filled(name)), style))
    };
    let mut lines = vec![
        Line::from(Span::styled(heading, theme.dim())),
        line(" first_reply", theme.bold(), total),
    ];
    let mut spans = Spans::default();
    kept.iter()
        .take(MOST_COUNTED)
        .for_each(|kept| spans.count(&kept.exchange));
    let mut spans = spans.distributions();
    let place = |name: &str| SPANS.iter().position(|(known, ..)| *known == name);
    spans.sort_by_key(|(name, _)| place(name).unwrap_or(SPANS.len()));
    for (name, times) in spans.iter().filter(|(name, _)| *name != FIRST_REPLY) {
        // They lie within the one above.
        let indent = if ["build", "enqueue"].contains(name) {
            "   "
        } else {
            " "
        };
        lines.push(line(&format!("{indent}{name}"), Style::new(), times));
    }
    lines
}

/// Exchanges whose spans are counted in the table: the last ones.
const MOST_COUNTED: usize = 128;

fn filled(name: &str) -> String {
    format!(
        "{name}{}",
        " ".repeat(NAME.saturating_sub(parts::width(name)))
    )
}

fn histogram(bins: &[Bin], columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let render = theme.render(0);
    let heading = format!(" first reply, {}, how often", parts::unit(&render));
    let mut lines = vec![Line::from(Span::styled(heading, theme.dim()))];
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    // Two bounds, the bar, and the count after it.
    let room = columns
        .saturating_sub(1 + NUMBER + 4 + NUMBER + 2 + 7)
        .clamp(8, WIDEST);
    for bin in bins {
        let eighths = (u128::from(bin.count) * room as u128 * 8).div_ceil(u128::from(most));
        let bar = theme.length(usize::try_from(eighths).unwrap_or(0));
        let gap = if bin.count == 0 { "" } else { " " };
        lines.push(Line::from(vec![
            Span::raw(format!(" {:>NUMBER$}", border(bin.from))),
            Span::styled(" to ", theme.dim()),
            Span::raw(format!("{:>NUMBER$}  ", border(bin.to))),
            Span::styled(bar, theme.bar()),
            Span::raw(format!("{gap}{}", compact(bin.count))),
        ]));
    }
    lines
}

/// Most are whole numbers.
fn border(ns: u64) -> String {
    let text = parts::short(ns);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
