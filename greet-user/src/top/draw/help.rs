// SPDX-License-Identifier: MIT OR Apache-2.0
//! The help page: keys, and what the columns mean.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{pane::put, theme::Theme};
use crate::{output::parts, top::state::State};

/// Keys, and what they do.
pub const KEYS: [(&str, &str); 18] = [
    ("Up Down  j k", "select a line; scroll text"),
    (
        "PgUp PgDn  Home End  g G",
        "move by a page; jump to the first or last line",
    ),
    (
        "Enter",
        "open the selection: its exchanges, then the ladder",
    ),
    (
        "1 2 3 4 5",
        "conversations, exchanges, ladder, times, bytes",
    ),
    ("Tab  Shift-Tab", "next pane, previous pane"),
    (
        "Esc",
        "back to the conversations; there: clear filter, quit",
    ),
    (
        "Space  p",
        "pause and resume the screen; counting continues",
    ),
    (
        "[ ]  Left Right",
        "step back and forward in time; { } step by ten",
    ),
    ("< >", "sort by the column to the left or right"),
    ("r", "reverse the sort order"),
    ("f", "filter: a word, process:ip pid:12 protocol:route"),
    ("", "peer:kernel peer:PORT netns:N status:refused"),
    ("/  n N", "search; next match, previous match"),
    ("v", "ladder and bytes: expand or fold a long dump"),
    ("Ctrl-L", "redraw"),
    ("Ctrl-Z", "suspend; `fg` resumes"),
    ("? h", "show or hide this page"),
    ("q  Ctrl-C", "quit"),
];

/// What the columns and counts mean.
const WORDS: [(&str, &str); 6] = [
    (
        "MSG/s  AVG/s",
        "messages in the last second; mean since the start",
    ),
    (
        "P50 P90 P99",
        "half, 90 %, 99 % of its exchanges took up to this",
    ),
    (
        "LOST",
        "messages it did not get: queue full, or not delivered",
    ),
    (
        "REFUSED",
        "requests that failed or were answered with an error",
    ),
    ("dropped", "events for which the tracer had no room"),
    (
        "missed",
        "calls, by any process, that the hooks did not see",
    ),
];

/// Draws it.
pub(super) fn draw(state: &State, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let mut lines = vec![heading("Keys", theme)];
    let line = |(key, what): &(&'static str, &'static str)| {
        Line::from(vec![
            Span::styled(format!("  {key:<25}"), theme.key()),
            Span::raw(*what),
        ])
    };
    lines.extend(KEYS.iter().map(line));
    let room = usize::from(area.height);
    let rest = WORDS.len() + 1;
    if room >= lines.len() + rest {
        lines.push(heading("Columns and counts", theme));
        lines.extend(WORDS.iter().map(line));
    }
    let columns = usize::from(area.width).saturating_sub(4).max(20);
    let missing = state.attached.missing.iter();
    let missing: Vec<_> = missing
        .flat_map(|text| parts::wrapped(text, columns))
        .collect();
    if !missing.is_empty() && room > lines.len() + 1 {
        lines.push(heading("Not visible on this kernel", theme));
        lines.extend(
            missing
                .into_iter()
                .map(|text| Line::from(format!("  {text}"))),
        );
    }
    for (at, line) in lines.iter().enumerate() {
        put(buffer, area, at, line);
    }
}

fn heading(text: &'static str, theme: &Theme) -> Line<'static> {
    Line::from(Span::styled(format!(" {text}"), theme.bold()))
}
