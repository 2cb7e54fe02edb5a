// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the state: the same state and size always give the same picture.
//!
//! ```text
//!  greet-user top  all protocols            00:01:12 12:04:31 UTC  LIVE
//!  1042 msg/s · 521 exch/s · 0 dropped · 0 missed · 0 lost
//! ─ 1 Conversations  3, by MSG/s ─────────────────────────────────────────
//!  PROCESS             PROTOCOL       PEER         MSG/s▼   P50 µs   P99 µs
//! ▸greet-user[71]      TEST_PROTOCOL  kernel          521      9.1     40.2
//! ─ 2 Exchanges  last 128 of 5210 ─────────┬─ 3 Ladder  exchange 5210 ────
//! ▸   5210  72.103311      9.0  answered   │ 72.103302 s  greet-user[71]
//!  q quit  ? help  Enter open  Space pause
//! ```

mod detail;
mod exchanges;
mod header;
pub mod help;
mod layout;
mod numbers;
mod pane;
mod styled;
mod table;
mod theme;
mod times;

use greet_trace::event::is_printable;
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

pub use detail::Cache;
pub use layout::SMALLEST;
pub use theme::Theme;

use super::state::{State, action::Pane};
use crate::output::parts;

/// Draws everything. Stores the numbers of lines and pages in the state, where keys need them.
pub fn draw(state: &mut State, cache: &mut Cache, theme: &Theme, frame: &mut Frame<'_>) {
    let screen = frame.area();
    let buffer = frame.buffer_mut();
    if screen.width < SMALLEST.0 || screen.height < SMALLEST.1 {
        too_small(screen, theme, buffer);
        return;
    }
    let header = header::height(state);
    let first = Rect {
        height: header,
        ..screen
    };
    let last = Rect {
        y: screen.height - 1,
        height: 1,
        ..screen
    };
    let body = Rect {
        y: header,
        height: screen.height - header - 1,
        ..screen
    };
    header::draw(state, first, theme, buffer);
    header::footer(state, last, theme, buffer);
    if state.is_help {
        help::draw(state, body, theme, buffer);
    } else {
        draw_panes(state, cache, (body, screen), theme, buffer);
    }
    plain(buffer);
}

/// Everything on its way to the terminal passes through here: no text, from any source, moves the
/// cursor or reverses a line.
fn plain(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !is_printable(cell.symbol()) {
            cell.set_symbol("?");
        }
    }
}

fn draw_panes(
    state: &mut State,
    cache: &mut Cache,
    (body, screen): (Rect, Rect),
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let panes = layout::panes(body, screen, state.pane, state.beside);
    let panes = if let [(pane, body)] = panes[..] {
        vec![(pane, tabs(state, body, theme, buffer))]
    } else {
        rules(&panes, theme, buffer);
        panes
    };
    fill(state, &panes, cache, theme, buffer);
}

fn fill(
    state: &mut State,
    panes: &[(Pane, Rect)],
    cache: &mut Cache,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let rows = state.rows();
    let row = state.row(&rows).map(|(_, row)| row.clone());
    let row = row.as_deref();
    let kept = row.map_or_else(Vec::new, |row| state.exchanges(row));
    let exchange = state.exchange(&kept).map(|(_, kept)| kept.clone());
    for (pane, area) in panes.iter().copied() {
        let has_keys = pane == state.pane;
        let (lines, room) = match pane {
            Pane::Conversations => (0, table::draw(state, &rows, area, theme, buffer)),
            Pane::Exchanges => {
                let room = exchanges::draw(state, (row, &kept), area, theme, buffer);
                (0, room)
            }
            Pane::Times => {
                let extent = times::draw(state, (row, &kept), area, theme, buffer);
                (extent.lines, extent.room)
            }
            Pane::Ladder | Pane::Bytes => {
                let one = exchange.as_deref();
                let extent = detail::draw(state, (pane, area), one, cache, theme, buffer);
                (extent.lines, extent.room)
            }
        };
        if has_keys {
            (state.lines, state.page) = (lines, room);
        }
    }
}

/// The names of all panes, if they are shown one at a time; returns what is left.
fn tabs(state: &State, area: Rect, theme: &Theme, buffer: &mut Buffer) -> Rect {
    let mut spans = Vec::new();
    for pane in Pane::ALL {
        let style = if pane == state.pane {
            theme.bold()
        } else {
            theme.dim()
        };
        let mark = if pane == state.pane {
            theme.pointer()
        } else {
            " "
        };
        let text = format!("{mark}{} {}  ", pane.number(), pane.title());
        spans.push(Span::styled(text, style));
    }
    pane::put(buffer, area, 0, &Line::from(spans));
    Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    }
}

/// Rules between adjacent panes.
fn rules(panes: &[(Pane, Rect)], theme: &Theme, buffer: &mut Buffer) {
    let (_, rule) = theme.rules();
    for (_, area) in panes.iter().filter(|(_, area)| area.x > 0) {
        let is_head = panes
            .iter()
            .any(|(_, other)| other.x == 0 && other.y == area.y);
        for row in area.y..area.bottom() {
            let glyph = if row == area.y {
                theme.junction(is_head)
            } else {
                rule
            };
            buffer.set_string(area.x - 1, row, glyph, theme.dim());
        }
    }
}

fn too_small(screen: Rect, theme: &Theme, buffer: &mut Buffer) {
    let (width, height) = SMALLEST;
    let text = format!(
        "This terminal has {} columns and {} lines; `top` needs {width} and {height}. Enlarge \
         it, or press q to quit.",
        screen.width, screen.height
    );
    for (at, text) in parts::wrapped(&text, usize::from(screen.width))
        .iter()
        .enumerate()
    {
        pane::put(
            buffer,
            screen,
            at,
            &Line::from(Span::styled(text.clone(), theme.bold())),
        );
    }
}
