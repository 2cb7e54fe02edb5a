// SPDX-License-Identifier: MIT OR Apache-2.0
//! All keys, and what the columns mean.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{pane::put, theme::Theme};
use crate::{output::parts, top::state::State};

/// Keys, and what they do.
pub const KEYS: [(&str, &str); 18] = [
    ("Up Down  j k", "select"),
    (
        "PgUp PgDn  Home End  g G",
        "by pages; to the first, to the last",
    ),
    ("Enter", "into the selected one: exchanges, then ladder"),
    (
        "1 2 3 4 5",
        "conversations, exchanges, ladder, times, bytes",
    ),
    ("Tab  Shift-Tab", "to the next of these, to the one before"),
    (
        "Esc",
        "back to the conversations; there: no filter, then end",
    ),
    (
        "Space  p",
        "stop the screen, and go on; all is counted meanwhile",
    ),
    (
        "[ ]  Left Right",
        "a step back in time, and forth; { } ten steps",
    ),
    ("< >", "sort by the column to the left, to the right"),
    ("r", "sort the other way round"),
    ("f", "show only: a word, process:ip pid:12 protocol:route"),
    ("", "peer:kernel peer:PORT netns:N status:refused"),
    ("/  n N", "look for; again, and backwards"),
    ("v", "ladder and bytes: all of a long dump, or folded"),
    ("Ctrl-L", "draw all of it anew"),
    ("Ctrl-Z", "to the shell; `fg` comes back"),
    ("? h", "this page, and away with it"),
    ("q  Ctrl-C", "end"),
];

/// What is shown, and what it means.
const WORDS: [(&str, &str); 6] = [
    (
        "MSG/s  AVG/s",
        "messages in the last second; a second since the begin",
    ),
    (
        "P50 P90 P99",
        "so many per cent of its exchanges took at most this",
    ),
    (
        "LOST",
        "messages that did not reach it: a full queue, no delivery",
    ),
    (
        "REFUSED",
        "requests answered with an error, or not sent at all",
    ),
    ("dropped", "events that the tracer had no room for"),
    (
        "missed",
        "calls of anybody in which its programs did not run",
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
        lines.push(heading("What is shown", theme));
        lines.extend(WORDS.iter().map(line));
    }
    let columns = usize::from(area.width).saturating_sub(4).max(20);
    let missing = state.attached.missing.iter();
    let missing: Vec<_> = missing
        .flat_map(|text| parts::wrapped(text, columns))
        .collect();
    if !missing.is_empty() && room > lines.len() + 1 {
        lines.push(heading("What this kernel does not let us see", theme));
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
