// SPDX-License-Identifier: MIT OR Apache-2.0
//! One exchange: its ladder and the bytes of its messages, drawn as everywhere else. A drawing is
//! cached until another one is requested.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line};

use super::{
    pane::{put, sentence, titled},
    styled,
    theme::Theme,
};
use crate::{
    output::{RenderOptions, parts},
    top::state::{State, action::Pane, conversation::Kept},
};

/// The last drawings.
#[derive(Debug, Default)]
pub struct Cache {
    ladder: Option<Drawn>,
    bytes: Option<Drawn>,
}

/// A drawing and its subject: the exchange's number, and the width.
#[derive(Debug)]
struct Drawn {
    number: u64,
    width: u16,
    is_whole: bool,
    lines: Vec<Line<'static>>,
}

/// How many lines a text has, and how many of them fit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub lines: usize,
    pub room: usize,
}

/// Draws the ladder or the bytes of an exchange.
pub(super) fn draw(
    state: &State,
    (pane, area): (Pane, Rect),
    kept: Option<&Kept>,
    cache: &mut Cache,
    theme: &Theme,
    buffer: &mut Buffer,
) -> Extent {
    let has_keys = state.pane == pane;
    let detail = kept.map_or_else(String::new, |kept| {
        let all = match pane {
            Pane::Bytes => ": offset, bytes, field and value",
            _ => "",
        };
        format!("exchange {}{all}", kept.number)
    });
    let area = titled((pane, area), &detail, has_keys, theme, buffer);
    // Not next to the rule, if there is one.
    let area = Rect {
        x: area.x + 1,
        width: area.width - 1,
        ..area
    };
    let Some(kept) = kept else {
        sentence(buffer, area, "No exchange yet.", theme);
        return Extent::default();
    };
    let place = match pane {
        Pane::Bytes => &mut cache.bytes,
        _ => &mut cache.ladder,
    };
    let wanted = (kept.number, area.width, state.is_whole);
    let is_this = |drawn: &Drawn| (drawn.number, drawn.width, drawn.is_whole) == wanted;
    if !place.as_ref().is_some_and(is_this) {
        *place = Some(Drawn {
            number: kept.number,
            width: area.width,
            is_whole: state.is_whole,
            lines: drawing(state, pane, kept, area.width, theme),
        });
    }
    let lines = place.as_ref().map_or(&[][..], |drawn| &drawn.lines);
    if lines.is_empty() {
        let text = "None of the bytes of its messages were copied (see --snaplen).";
        sentence(buffer, area, text, theme);
    }
    scrolled(lines, has_keys, state.scroll, area, buffer)
}

fn drawing(
    state: &State,
    pane: Pane,
    kept: &Kept,
    width: u16,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let render = RenderOptions {
        verbose: state.is_whole,
        ..theme.render(width)
    };
    let exchange = &kept.exchange;
    let drawn = if pane == Pane::Bytes {
        parts::bytes(exchange, &render)
    } else {
        let asked = exchange.request.as_ref();
        let callback = asked.and_then(|asked| state.attached.callback_of(asked.head.protocol));
        parts::ladder(exchange, callback, &render)
    };
    styled::lines(&drawn)
}

/// Writes lines from the scroll position on.
pub(super) fn scrolled(
    lines: &[Line<'static>],
    has_keys: bool,
    scroll: usize,
    area: Rect,
    buffer: &mut Buffer,
) -> Extent {
    let room = usize::from(area.height);
    let first = if has_keys { scroll } else { 0 };
    let first = first.min(lines.len().saturating_sub(room));
    for (at, line) in lines.iter().skip(first).take(room).enumerate() {
        put(buffer, area, at, line);
    }
    if lines.len() > room && area.y > 0 && room > 0 {
        // On the rule above: which of how many lines.
        let text = format!(" {}-{} of {} ", first + 1, first + room, lines.len());
        let columns = u16::try_from(text.len()).unwrap_or(u16::MAX);
        if columns < area.width {
            buffer.set_string(area.right() - columns, area.y - 1, text, Style::new());
        }
    }
    Extent {
        lines: lines.len(),
        room,
    }
}
