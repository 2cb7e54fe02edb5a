// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parts of the drawing, for a screen that arranges them itself: the same lines, with the same
//! styles, that a terminal gets.

use greet_trace::{describe::marks, journey::Exchange};

use super::{RenderOptions, ladder::Ladder, line, text};

/// An exchange as a ladder, with its outcome.
#[must_use]
pub fn ladder(exchange: &Exchange, callback: Option<&str>, render: &RenderOptions) -> String {
    let mut out = String::new();
    let ladder = Ladder::new(exchange, callback, render);
    ladder.draw(&mut out);
    ladder.end(&mut out);
    out
}

/// The marks of an exchange, whatever its status: a few words each.
#[must_use]
pub fn marks(exchange: &Exchange) -> Vec<String> {
    marks::of_exchange(exchange)
}

/// The bytes of its messages, with the header's fields labelled.
#[must_use]
pub fn bytes(exchange: &Exchange, render: &RenderOptions) -> String {
    let mut out = String::new();
    Ladder::new(exchange, None, render).bytes(&mut out);
    out
}

/// Microseconds in seven columns; seconds if it ends in `s`.
#[must_use]
pub fn short(ns: u64) -> String {
    text::short(ns)
}

/// Columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    line::width(text)
}

/// The text, cut with a mark if it is wider than `columns`.
#[must_use]
pub fn cut(text: &str, columns: usize, render: &RenderOptions) -> String {
    line::cut(text, columns, render)
}

/// The text on lines of up to `columns` each.
#[must_use]
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    line::wrapped(text, columns)
}

/// Untrusted text, in printable characters.
#[must_use]
pub fn shown(text: &str, render: &RenderOptions) -> String {
    render.shown(text.as_bytes()).into_owned()
}

/// The unit of the numbers that `short` writes.
#[must_use]
pub const fn unit(render: &RenderOptions) -> &'static str {
    render.glyphs().us
}
