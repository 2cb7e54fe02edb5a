// SPDX-License-Identifier: MIT OR Apache-2.0
//! The selection: moved by lines, and to matches of a search.

use super::{
    State,
    action::Pane,
    conversation::{Kept, Row},
};

impl State {
    /// Moves the selection, or scrolls the text, in the pane that receives keys.
    pub(super) fn move_by(&mut self, lines: isize) {
        let rows = self.rows();
        let Some((at, row)) = self.row(&rows) else {
            return;
        };
        match self.pane {
            Pane::Conversations => {
                let at = moved(at, lines, rows.len());
                self.select(rows[at].id);
            }
            Pane::Exchanges => {
                let kept = self.exchanges(row);
                self.selected = Some(row.id);
                if let Some((at, _)) = self.exchange(&kept) {
                    let at = moved(at, lines, kept.len());
                    // At the top, it follows the newest.
                    self.chosen = (at > 0).then(|| kept[at].number);
                }
            }
            Pane::Ladder | Pane::Times | Pane::Bytes => {
                let hidden = self.lines.saturating_sub(self.page);
                self.scroll = moved(self.scroll.min(hidden), lines, hidden + 1);
            }
        }
    }

    fn select(&mut self, id: super::Id) {
        if self.selected != Some(id) {
            self.selected = Some(id);
            self.chosen = None;
            self.scroll = 0;
        }
    }

    /// Goes to the next match, or to the previous one.
    pub(super) fn find(&mut self, forth: bool) {
        if self.search.is_empty() {
            self.notice = Some("type / and a search text".to_owned());
            return;
        }
        let rows = self.rows();
        let Some((at, row)) = self.row(&rows) else {
            self.notice = Some("nothing to search".to_owned());
            return;
        };
        let is_list = self.pane == Pane::Conversations;
        let kept = self.exchanges(row);
        let found = if is_list {
            let found = around(at, rows.len(), forth, |at| self.is_row(&rows[at]));
            found.inspect(|at| self.select(rows[*at].id))
        } else {
            let from = self.exchange(&kept).map_or(0, |(at, _)| at);
            let found = around(from, kept.len(), forth, |at| self.is_exchange(&kept[at]));
            found.inspect(|at| {
                self.selected = Some(row.id);
                self.chosen = Some(kept[*at].number);
                self.scroll = 0;
            })
        };
        if found.is_none() {
            let what = if is_list { "conversation" } else { "exchange" };
            self.notice = Some(format!("no {what} contains `{}`", self.search));
        }
    }

    fn is_row(&self, row: &Row) -> bool {
        row.who.words().contains(&self.search)
    }

    fn is_exchange(&self, kept: &Kept) -> bool {
        words(kept).to_lowercase().contains(&self.search)
    }
}

/// What a search in exchanges covers: number, status, types and texts of the messages.
fn words(kept: &Kept) -> String {
    let exchange = &kept.exchange;
    let asked = exchange.request.iter().map(|request| &request.datagram);
    let queued = exchange.queued.iter();
    let datagrams = asked.chain(queued.map(|queued| &queued.message.datagram));
    let mut words = format!("{} {}", kept.number, kept.status.name());
    for datagram in datagrams {
        for header in datagram.headers() {
            if let Some(name) = greet_trace::event::type_name(datagram.protocol, header.kind) {
                words = format!("{words} {name}");
            }
            words = format!("{words} seq {}", header.seq);
        }
        if let Some(text) = datagram.text() {
            words = format!("{words} {text}");
        }
    }
    words
}

/// A place `lines` further on, within `count`.
fn moved(at: usize, lines: isize, count: usize) -> usize {
    at.saturating_add_signed(lines).min(count.saturating_sub(1))
}

/// The next place from here on that fits, wrapping around; this one last.
fn around(at: usize, count: usize, forth: bool, fits: impl Fn(usize) -> bool) -> Option<usize> {
    let place = |step: usize| {
        if forth {
            (at + step) % count
        } else {
            (at + count - step) % count
        }
    };
    (1..=count).map(place).find(|at| fits(*at))
}
