// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which panes are on the screen, and where.

use ratatui::layout::Rect;

use crate::top::state::action::Pane;

/// The smallest screen on which everything fits.
pub const SMALLEST: (u16, u16) = (80, 24);
/// From this size on, the list of exchanges and one pane are shown beneath the table.
const WIDE: (u16, u16) = (120, 34);
/// From this size on, all panes are shown.
const WIDEST: (u16, u16) = (180, 46);
/// Columns of the list of exchanges next to another pane: without the request, and with it if the
/// screen has `MANY` columns.
const LIST: u16 = 42;
const LONG_LIST: u16 = 62;
const MANY: u16 = 140;
/// Columns of times and bytes: sixteen bytes per line.
const RIGHT: u16 = 74;

/// The panes in this area of a screen of this size.
pub(super) fn panes(body: Rect, screen: Rect, pane: Pane, beside: Pane) -> Vec<(Pane, Rect)> {
    let fits = |(width, height)| screen.width >= width && screen.height >= height;
    if !fits(WIDE) {
        return vec![(pane, body)];
    }
    let table = (body.height / 3).max(8);
    let (top, bottom) = split_rows(body, table);
    let is_narrow =
        screen.width < MANY || fits(WIDEST) && screen.width < LONG_LIST + 1 + 80 + RIGHT;
    let list = if is_narrow { LIST } else { LONG_LIST };
    let (list, right) = split_columns(bottom, list);
    let mut panes = vec![(Pane::Conversations, top), (Pane::Exchanges, list)];
    if !fits(WIDEST) {
        panes.push((beside, right));
        return panes;
    }
    let (ladder, right) = split_columns(right, right.width.saturating_sub(RIGHT + 1));
    let (times, bytes) = split_rows(right, right.height / 2);
    panes.extend([
        (Pane::Ladder, ladder),
        (Pane::Times, times),
        (Pane::Bytes, bytes),
    ]);
    panes
}

const fn split_rows(area: Rect, height: u16) -> (Rect, Rect) {
    let top = Rect { height, ..area };
    let bottom = Rect {
        y: area.y + height,
        height: area.height.saturating_sub(height),
        ..area
    };
    (top, bottom)
}

/// With a column between them.
const fn split_columns(area: Rect, width: u16) -> (Rect, Rect) {
    let left = Rect { width, ..area };
    let right = Rect {
        x: area.x + width + 1,
        width: area.width.saturating_sub(width + 1),
        ..area
    };
    (left, right)
}
