// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a key does.

use crate::top::keys::Key;

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Quit.
    Quit,
    /// Close what was opened last; at the table, quit.
    Back,
    /// Suspend the program, back to the shell.
    Suspend,
    /// Redraw everything.
    Redraw,
    /// Up or down by this many lines.
    Move(isize),
    /// Up or down by this many pages.
    Page(isize),
    /// To the first.
    First,
    /// To the last.
    Last,
    /// Open the selected one.
    Open,
    /// To a pane.
    Show(Pane),
    /// To the next pane, or back to the previous one.
    Next(bool),
    /// Pause the screen, or resume.
    Pause,
    /// This many steps back in time, or forward.
    Step(isize),
    /// Sort by the next column to the right, or to the left.
    Sort(bool),
    /// Reverse the sort order.
    Reverse,
    /// Fold or unfold long dumps and texts.
    Unfold,
    /// Type a filter.
    Filter,
    /// Type a search.
    Search,
    /// To the next match, or the previous one.
    Found(bool),
    /// Show or hide the keys.
    Help,
}

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pane {
    /// All conversations.
    Conversations,
    /// The last exchanges of one.
    Exchanges,
    /// One exchange, stage by stage.
    Ladder,
    /// How long the exchanges took.
    Times,
    /// The bytes of an exchange's messages.
    Bytes,
}

impl Pane {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Conversations,
        Self::Exchanges,
        Self::Ladder,
        Self::Times,
        Self::Bytes,
    ];

    /// Its title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Conversations => "Conversations",
            Self::Exchanges => "Exchanges",
            Self::Ladder => "Ladder",
            Self::Times => "Times",
            Self::Bytes => "Bytes",
        }
    }

    /// The key that shows it.
    #[must_use]
    pub fn number(self) -> usize {
        1 + Self::ALL.iter().position(|pane| *pane == self).unwrap_or(0)
    }

    pub(super) fn next(self, forth: bool) -> Self {
        let count = Self::ALL.len();
        let step = if forth { 0 } else { count - 2 };
        Self::ALL[(self.number() + step) % count]
    }
}

/// What this key does while no line is being typed.
#[must_use]
pub const fn action(key: Key) -> Option<Action> {
    Some(match key {
        Key::Char('q' | 'Q') | Key::Ctrl('c') => Action::Quit,
        Key::Escape => Action::Back,
        Key::Ctrl('z') => Action::Suspend,
        Key::Ctrl('l') => Action::Redraw,
        Key::Up | Key::Char('k') => Action::Move(-1),
        Key::Down | Key::Char('j') => Action::Move(1),
        Key::PageUp | Key::Ctrl('b') => Action::Page(-1),
        Key::PageDown | Key::Ctrl('f') => Action::Page(1),
        Key::Home | Key::Char('g') => Action::First,
        Key::End | Key::Char('G') => Action::Last,
        Key::Enter => Action::Open,
        Key::Tab => Action::Next(true),
        Key::BackTab => Action::Next(false),
        Key::Char('1') => Action::Show(Pane::Conversations),
        Key::Char('2') => Action::Show(Pane::Exchanges),
        Key::Char('3') => Action::Show(Pane::Ladder),
        Key::Char('4') => Action::Show(Pane::Times),
        Key::Char('5') => Action::Show(Pane::Bytes),
        Key::Char(' ' | 'p') => Action::Pause,
        Key::Left | Key::Char('[') => Action::Step(-1),
        Key::Right | Key::Char(']') => Action::Step(1),
        Key::Char('{') => Action::Step(-10),
        Key::Char('}') => Action::Step(10),
        Key::Char('>' | '.') => Action::Sort(true),
        Key::Char('<' | ',') => Action::Sort(false),
        Key::Char('r') => Action::Reverse,
        Key::Char('v') => Action::Unfold,
        Key::Char('f') => Action::Filter,
        Key::Char('/') => Action::Search,
        Key::Char('n') => Action::Found(true),
        Key::Char('N') => Action::Found(false),
        Key::Char('?' | 'h') => Action::Help,
        _ => return None,
    })
}
