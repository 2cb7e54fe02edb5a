// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line under construction: it tracks its width on a terminal and never exceeds it.

use std::borrow::Cow;

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use super::render::{PLAIN, RenderOptions};

/// A text in one style.
pub(super) type Piece = (Style, String);

/// Characters per column: some have no width, so a column could otherwise take any number.
const CHARS_PER_COLUMN: usize = 4;

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Where to cut a text so that it fits in `columns`.
fn fits(text: &str, columns: usize) -> usize {
    // Most text is ASCII, and no ASCII text that gets here has control characters.
    if text.is_ascii() {
        return text.len().min(columns);
    }
    let most = columns.saturating_mul(CHARS_PER_COLUMN);
    if text.len() <= most && width(text) <= columns {
        return text.len();
    }
    let chars = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let mut end = 0;
    for next in chars.take(most) {
        if width(&text[..next]) > columns {
            break;
        }
        end = next;
    }
    end
}

/// The text, cut with a mark if it is wider than `columns`.
pub(super) fn cut(text: &str, columns: usize, render: &RenderOptions) -> String {
    if fits(text, columns) == text.len() {
        return text.to_owned();
    }
    let more = render.glyphs().more;
    let end = fits(text, columns.saturating_sub(width(more)));
    let cut = format!("{}{more}", &text[..end]);
    cut[..fits(&cut, columns)].to_owned()
}

/// The text on lines of up to `columns` each, split between words if possible.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = match fits(rest, columns) {
            // A single character is too wide: leave it out.
            0 => {
                let next = rest.char_indices().nth(1).map_or(rest.len(), |(at, _)| at);
                rest = &rest[next..];
                continue;
            }
            end => end,
        };
        let (line, behind) = if end == rest.len() {
            (rest, "")
        } else {
            let space = rest[..end].rfind(' ').filter(|at| *at > end / 2);
            let at = if rest[end..].starts_with(' ') {
                end
            } else {
                space.unwrap_or(end)
            };
            (
                &rest[..at],
                rest[at..].strip_prefix(' ').unwrap_or(&rest[at..]),
            )
        };
        lines.push(line.to_owned());
        rest = behind;
    }
    lines
}

/// A line.
pub(super) struct Line<'a> {
    render: &'a RenderOptions,
    text: String,
    width: usize,
}

impl<'a> Line<'a> {
    pub(super) const fn new(render: &'a RenderOptions) -> Self {
        Self {
            render,
            text: String::new(),
            width: 0,
        }
    }

    /// Is there room for `columns` more?
    pub(super) const fn has_room(&self, columns: usize) -> bool {
        columns <= self.render.width.saturating_sub(self.width)
    }

    /// Appends a text, cut to the room left.
    pub(super) fn push(&mut self, style: Style, text: &str) -> &mut Self {
        let room = self.render.width.saturating_sub(self.width);
        // The only way into a line: no text, from any source, moves the
        // cursor or starts a new line.
        let text = self.render.shown(text.as_bytes());
        let text = match fits(&text, room) {
            all if all == text.len() => text,
            _ => Cow::Owned(cut(&text, room, self.render)),
        };
        self.width += width(&text);
        if self.render.colour && style != PLAIN && !text.is_empty() {
            self.text.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.text.push_str(&text);
        }
        self
    }

    pub(super) fn pieces(&mut self, pieces: &[Piece]) -> &mut Self {
        for (style, text) in pieces {
            self.push(*style, text);
        }
        self
    }

    /// Appends the text so that it ends before the column.
    pub(super) fn right(&mut self, style: Style, text: &str, column: usize) -> &mut Self {
        self.to(column.saturating_sub(width(text)));
        self.push(style, text)
    }

    /// Moves to the column, unless already past it.
    pub(super) fn to(&mut self, column: usize) -> &mut Self {
        self.fill(PLAIN, " ", column)
    }

    /// Fills up to the column with a single-column glyph.
    pub(super) fn fill(&mut self, style: Style, glyph: &str, column: usize) -> &mut Self {
        let count = column.min(self.render.width).saturating_sub(self.width);
        self.push(style, &glyph.repeat(count))
    }

    /// Ends the line, without trailing spaces.
    pub(super) fn end(&self, out: &mut String) {
        out.push_str(self.text.trim_end_matches(' '));
        out.push('\n');
    }
}
