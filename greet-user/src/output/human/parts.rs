// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parts of the drawing, for a screen that puts them where it likes: the same lines that a
//! terminal gets, with the same styles.

use super::{RenderOptions, ladder::Ladder, line, text};
use crate::{describe::marks, journey::Exchange};

/// An exchange as a ladder, and how it ended.
#[must_use]
pub fn ladder(exchange: &Exchange, callback: Option<&str>, render: &RenderOptions) -> String {
    let mut out = String::new();
    let ladder = Ladder::new(exchange, callback, render);
    ladder.draw(&mut out);
    ladder.end(&mut out);
    out
}

/// What must not be missed of an exchange, whatever its status: a few words each.
#[must_use]
pub fn marks(exchange: &Exchange) -> Vec<String> {
    marks::of_exchange(exchange)
}

/// The bytes of its messages, with the header's fields marked.
#[must_use]
pub fn bytes(exchange: &Exchange, render: &RenderOptions) -> String {
    let mut out = String::new();
    Ladder::new(exchange, None, render).bytes(&mut out);
    out
}

/// Microseconds in seven columns; with an `s` behind it, seconds.
#[must_use]
pub fn short(ns: u64) -> String {
    text::short(ns)
}

/// A duration with its unit.
#[must_use]
pub fn duration(ns: u64, render: &RenderOptions) -> String {
    text::duration(ns, render)
}

/// Columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    line::width(text)
}

/// The text, cut with a mark if it takes more than so many columns.
#[must_use]
pub fn cut(text: &str, columns: usize, render: &RenderOptions) -> String {
    line::cut(text, columns, render)
}

/// The text on lines of so many columns each.
#[must_use]
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    line::wrapped(text, columns)
}

/// Somebody else's text, in characters that can be shown.
#[must_use]
pub fn shown(text: &str, render: &RenderOptions) -> String {
    render.shown(text.as_bytes()).into_owned()
}

/// What something is measured in that `short` writes.
#[must_use]
pub const fn unit(render: &RenderOptions) -> &'static str {
    render.glyphs().us
}
