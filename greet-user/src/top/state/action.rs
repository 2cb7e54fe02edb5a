// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a key does.

use crate::top::keys::Key;

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// End.
    Quit,
    /// Close what was opened last; at the table, end.
    Back,
    /// Put the program to sleep, for the shell.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Up or down by so many lines.
    Move(isize),
    /// Up or down by so many pages.
    Page(isize),
    /// To the first.
    First,
    /// To the last.
    Last,
    /// Into the selected one.
    Open,
    /// To a pane.
    Show(Pane),
    /// To the next pane, or back to the one before.
    Next(bool),
    /// Stop the screen, or go on.
    Pause,
    /// So many steps back in time, or forth.
    Step(isize),
    /// Sort by the next column to the right, or to the left.
    Sort(bool),
    /// Sort the other way round.
    Reverse,
    /// Fold long dumps and texts, or not.
    Unfold,
    /// Type a filter.
    Filter,
    /// Type what to look for.
    Search,
    /// To the next place where it was found, or back.
    Found(bool),
    /// Show the keys, or not any more.
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

    /// What it is called.
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

/// What this key does, where no line is being typed.
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
