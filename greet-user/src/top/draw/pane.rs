// SPDX-License-Identifier: MIT OR Apache-2.0
//! What all panes have in common: a title on a rule, and lines beneath it.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::theme::Theme;
use crate::{output::parts, top::state::action::Pane};

/// Draws a pane's title and returns the rest of its area.
pub(super) fn titled(
    (pane, area): (Pane, Rect),
    detail: &str,
    has_keys: bool,
    theme: &Theme,
    buffer: &mut Buffer,
) -> Rect {
    let (rule, _) = theme.rules();
    let name = format!(" {} {} ", pane.number(), pane.title());
    let style = if has_keys {
        theme.selected().patch(theme.bold())
    } else {
        theme.bold()
    };
    let room = usize::from(area.width).saturating_sub(parts::width(&name) + 3);
    let detail = parts::cut(detail, room, &theme.render(area.width));
    let gap = if detail.is_empty() { "" } else { " " };
    let taken = 1 + parts::width(&name) + 2 * gap.len() + parts::width(&detail);
    let rest = usize::from(area.width).saturating_sub(taken);
    let line = Line::from(vec![
        Span::styled(rule, theme.dim()),
        Span::styled(name, style),
        Span::raw(format!("{gap}{detail}{gap}")),
        Span::styled(rule.repeat(rest), theme.dim()),
    ]);
    put(buffer, area, 0, &line);
    Rect {
        y: area.y.saturating_add(1),
        height: area.height.saturating_sub(1),
        ..area
    }
}

/// Writes a line of an area, cut if it does not fit.
pub(super) fn put(buffer: &mut Buffer, area: Rect, row: usize, line: &Line<'_>) {
    let Ok(row) = u16::try_from(row) else {
        return;
    };
    if row < area.height && area.width > 0 {
        buffer.set_line(area.x, area.y + row, line, area.width);
    }
}

/// Styles a line over its whole width.
fn fill(buffer: &mut Buffer, area: Rect, row: usize, style: Style) {
    let Ok(row) = u16::try_from(row) else {
        return;
    };
    if row < area.height {
        let line = Rect {
            y: area.y + row,
            height: 1,
            ..area
        };
        buffer.set_style(line, style);
    }
}

/// Sentences in an otherwise empty pane.
pub(super) fn sentence(buffer: &mut Buffer, area: Rect, text: &str, theme: &Theme) {
    let columns = usize::from(area.width.saturating_sub(2)).max(1);
    for (at, text) in parts::wrapped(text, columns).iter().enumerate() {
        let line = Line::from(Span::styled(format!(" {text}"), theme.dim()));
        put(buffer, area, at + 1, &line);
    }
}

/// Draws the lines of a list that fit, including the selected one, `at`; returns how many fit.
/// `line` gets the pointer to put before its line, and whether the line is selected.
pub(super) fn list<T>(
    (all, at): (&[T], usize),
    area: Rect,
    (has_keys, theme): (bool, &Theme),
    buffer: &mut Buffer,
    line: impl Fn(&T, &'static str, bool) -> Line<'static>,
) -> usize {
    let room = usize::from(area.height);
    let first = first_shown(at, all.len(), room);
    for (row, one) in all.iter().skip(first).take(room).enumerate() {
        let is_selected = first + row == at;
        let pointer = if is_selected { theme.pointer() } else { " " };
        put(buffer, area, row, &line(one, pointer, is_selected));
        if is_selected {
            let style = if has_keys {
                theme.selected()
            } else {
                theme.bold()
            };
            fill(buffer, area, row, style);
        }
    }
    room
}

/// The first visible line of a list, so that the selected one is visible.
fn first_shown(at: usize, count: usize, room: usize) -> usize {
    if at < room {
        return 0;
    }
    // Centred, but with no blank lines at the end.
    (at - room / 2).min(count.saturating_sub(room))
}
