// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the drawing knows about its destination. Nothing here queries a terminal: the caller passes
//! it in.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};

use greet_trace::event::escaped;

pub(super) const PLAIN: Style = Style::new();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
// Not bold: bright cyan and bright green are unreadable on white.
pub(super) const TO_KERNEL: Style = AnsiColor::Cyan.on_default();
pub(super) const TO_USER: Style = AnsiColor::Green.on_default();
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// Maximum columns per line.
    pub width: usize,
    /// Use colours.
    pub colour: bool,
    /// Use characters beyond ASCII.
    pub unicode: bool,
    /// Fold nothing.
    pub verbose: bool,
    /// Show each message's bytes.
    pub bytes: bool,
    /// One line per message.
    pub oneline: bool,
}

impl Default for RenderOptions {
    /// As in a file: 80 columns of ASCII.
    fn default() -> Self {
        Self {
            width: 80,
            colour: false,
            unicode: false,
            verbose: false,
            bytes: false,
            oneline: false,
        }
    }
}

impl RenderOptions {
    /// The characters for lines and arrows.
    pub(super) const fn glyphs(&self) -> &'static Glyphs {
        if self.unicode { &UNICODE } else { &ASCII }
    }

    /// Untrusted bytes on one line, with nothing that could move a cursor.
    pub(super) fn shown<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        let text = escaped(bytes);
        if self.unicode || text.is_ascii() {
            return text;
        }
        let plain = text.chars().map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                c.escape_unicode().to_string()
            }
        });
        Cow::Owned(plain.collect())
    }
}

/// The characters for lines and arrows.
pub(super) struct Glyphs {
    /// A lane.
    pub lane: &'static str,
    /// The user's lane while its thread is in the kernel.
    pub inside: &'static str,
    /// The kernel's lane while the receive callback runs.
    pub busy: &'static str,
    /// Where an arrow leaves the user's lane, and the kernel's.
    pub from_user: &'static str,
    pub from_kernel: &'static str,
    pub from_busy: &'static str,
    /// The shafts of message arrows, and of call arrows.
    pub line: &'static str,
    pub dash: &'static str,
    /// Their heads.
    pub right: &'static str,
    pub left: &'static str,
    /// The head of an arrow that does not arrive.
    pub lost: &'static str,
    /// Something was left out.
    pub more: &'static str,
    /// Microseconds.
    pub us: &'static str,
    /// A bar of a histogram.
    pub bar: &'static str,
}

const UNICODE: Glyphs = Glyphs {
    lane: "│",
    inside: "┊",
    busy: "┃",
    from_user: "├",
    from_kernel: "┤",
    from_busy: "┨",
    line: "─",
    dash: "╌",
    right: "▶",
    left: "◀",
    lost: "✗",
    more: "…",
    us: "µs",
    bar: "█",
};

const ASCII: Glyphs = Glyphs {
    lane: "|",
    inside: ":",
    busy: "#",
    from_user: "+",
    from_kernel: "+",
    from_busy: "#",
    line: "-",
    dash: ".",
    right: ">",
    left: "<",
    lost: "X",
    more: "...",
    us: "us",
    bar: "#",
};
