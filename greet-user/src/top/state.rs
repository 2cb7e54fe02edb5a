// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the screen shows, and what keys do to it. It knows neither terminal nor clock: it is fed
//! events, the time and keys.

pub mod action;
pub mod columns;
pub mod conversation;
pub mod filter;
pub mod history;
pub mod input;
pub mod model;
mod moving;
pub mod rate;
pub mod who;

use std::rc::Rc;

use hashbrown::HashMap;

use action::{Action, Pane, action};
use columns::Column;
use conversation::{Exchanges, Id, Kept, Row};
use filter::Filter;
use greet_trace::{run::Opening, statistics::Durations, tracer::Attached};
use history::Moment;
use input::{Input, Purpose};
use model::{Limits, Model};

use super::keys::Key;

/// The whole state.
#[derive(Debug)]
pub struct State {
    /// What happened.
    pub model: Model,
    /// What is watched, in words.
    pub subject: String,
    /// Where the events come from.
    pub source: Source,
    /// When the run started, CLOCK_MONOTONIC in ns.
    pub began_ns: u64,
    /// Wall-clock time at 0 of that clock, in ns since 1970.
    pub boot_time_unix_ns: u64,
    /// The kernel's release.
    pub kernel: String,
    /// What is attached.
    pub attached: Attached,
    /// The pane that receives keys.
    pub pane: Pane,
    /// The selected conversation; the first one unless the user chose.
    pub selected: Option<Id>,
    /// The selected exchange; the newest one unless the user chose.
    pub chosen: Option<u64>,
    /// The pane beside the list of exchanges, if there is room for only one.
    pub beside: Pane,
    /// The sort column.
    pub column: Column,
    /// Is the order reversed?
    pub is_reversed: bool,
    /// What is shown.
    pub filter: Filter,
    /// The last search.
    pub search: String,
    /// The line being typed.
    pub input: Option<Input>,
    /// A sentence for the last line of the screen, until the next key.
    pub notice: Option<String>,
    /// Are ladder and bytes unfolded?
    pub is_whole: bool,
    /// Is the help shown?
    pub is_help: bool,
    /// Lines above the first visible one of ladder, times and bytes, and of the help.
    pub scroll: usize,
    /// Lines of a list that fit; set by the drawing.
    pub page: usize,
    /// Lines of the text in the pane that receives keys; set by the drawing.
    pub lines: usize,
    paused: Option<Paused>,
    /// The table as shown, while it is live.
    live: Option<Moment>,
}

/// Where the events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The running kernel.
    Live,
    /// As above; there are more events than can be read.
    Behind,
    /// A recording that is being read.
    Reading,
    /// A recording that was read to its end.
    Read,
}

/// The screen is paused.
#[derive(Debug)]
struct Paused {
    /// When it was paused.
    since_ns: u64,
    /// The time shown: that, or an earlier one.
    at_ns: u64,
    /// The table at that time.
    moment: Moment,
    /// The exchanges retained when it was paused.
    exchanges: HashMap<Id, Exchanges>,
}

/// What the keys ask of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// Quit.
    Quit,
    /// Suspend.
    Suspend,
    /// Redraw the whole screen.
    Redraw,
}

impl Wish {
    /// This wish or, if it is [`Self::None`], the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::None { other } else { self }
    }
}

impl State {
    /// Before anything has happened.
    #[must_use]
    pub fn new(subject: String, source: Source, limits: Limits) -> Self {
        Self {
            model: Model::new(limits),
            subject,
            source,
            began_ns: 0,
            boot_time_unix_ns: 0,
            kernel: String::new(),
            attached: Attached::default(),
            pane: Pane::Conversations,
            selected: None,
            chosen: None,
            beside: Pane::Ladder,
            column: Column::Rate,
            is_reversed: false,
            filter: Filter::default(),
            search: String::new(),
            input: None,
            notice: None,
            is_whole: false,
            is_help: false,
            scroll: 0,
            page: 10,
            lines: 0,
            paused: None,
            live: None,
        }
    }

    /// Takes what is known of the run.
    pub fn open(&mut self, opening: &Opening) {
        let system = opening.system();
        self.began_ns = opening.began_ns;
        self.boot_time_unix_ns = system.boot_time_unix_ns;
        self.kernel.clone_from(&system.kernel);
        self.attached = system.attached.clone();
        self.model.advance(opening.began_ns);
    }

    /// Rebuilds the table, unless the screen is paused.
    pub fn refresh(&mut self) {
        if self.paused.is_none() {
            self.live = Some(self.model.moment());
        }
    }

    /// The table shown.
    #[must_use]
    pub fn moment(&self) -> Option<&Moment> {
        match &self.paused {
            Some(paused) => Some(&paused.moment),
            None => self.live.as_ref(),
        }
    }

    /// Is the screen paused? If so: when it was paused, and the time it shows, ns.
    #[must_use]
    pub fn paused(&self) -> Option<(u64, u64)> {
        let paused = self.paused.as_ref()?;
        Some((paused.since_ns, paused.at_ns))
    }

    /// The rows shown, in order.
    #[must_use]
    pub fn rows(&self) -> Vec<Rc<Row>> {
        let rows = self.moment().map_or(&[][..], |moment| &moment.rows);
        let fitting = rows.iter().filter(|row| self.filter.fits(row));
        let mut rows: Vec<_> = fitting.cloned().collect();
        self.column.sort(&mut rows, self.is_reversed);
        rows
    }

    /// The selected row: the first one unless the user chose one that still exists.
    #[must_use]
    pub fn row<'a>(&self, rows: &'a [Rc<Row>]) -> Option<(usize, &'a Rc<Row>)> {
        let chosen = rows.iter().position(|row| Some(row.id) == self.selected);
        let at = chosen.unwrap_or(0);
        Some((at, rows.get(at)?))
    }

    /// The exchanges shown of the selected conversation, newest first.
    #[must_use]
    pub fn exchanges(&self, row: &Row) -> Vec<Rc<Kept>> {
        let (kept, until_ns) = match &self.paused {
            Some(paused) => (paused.exchanges.get(&row.id), paused.at_ns),
            None => (self.model.exchanges(row.id), u64::MAX),
        };
        let kept = kept.into_iter().flatten().rev();
        let fitting = kept.filter(|kept| kept.ended_ns <= until_ns);
        let fitting = fitting.filter(|kept| self.filter.fits_exchange(kept));
        fitting.cloned().collect()
    }

    /// How long all exchanges of a conversation took so far; nothing while an earlier time is
    /// shown, of which only the retained exchanges are known.
    #[must_use]
    pub fn times(&self, id: Id) -> Option<&Durations> {
        if self.paused.is_some() {
            return None;
        }
        self.model.times(id)
    }

    /// The selected exchange: the newest unless the user chose one that still exists.
    #[must_use]
    pub fn exchange<'a>(&self, kept: &'a [Rc<Kept>]) -> Option<(usize, &'a Rc<Kept>)> {
        let chosen = kept
            .iter()
            .position(|kept| Some(kept.number) == self.chosen);
        let at = chosen.unwrap_or(0);
        Some((at, kept.get(at)?))
    }

    /// Does what a key asks for.
    pub fn key(&mut self, key: Key) -> Wish {
        self.notice = None;
        if key == Key::Ctrl('c') {
            return Wish::Quit;
        }
        if let Some(input) = self.input.take() {
            self.type_on(input, key);
            return Wish::None;
        }
        match action(key) {
            Some(Action::Quit) => Wish::Quit,
            Some(Action::Suspend) => Wish::Suspend,
            Some(Action::Redraw) => Wish::Redraw,
            Some(Action::Back) => self.back(),
            Some(action) => {
                self.act(action);
                Wish::None
            }
            None => Wish::None,
        }
    }

    /// One step out; quits if there is none.
    fn back(&mut self) -> Wish {
        if self.is_help {
            self.is_help = false;
        } else if self.pane != Pane::Conversations {
            self.show(Pane::Conversations);
        } else if !self.filter.text().is_empty() {
            self.filter = Filter::default();
        } else {
            return Wish::Quit;
        }
        Wish::None
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Help => self.is_help = !self.is_help,
            Action::Pause if self.paused.is_some() => {
                self.paused = None;
                self.refresh();
            }
            Action::Pause => self.pause(),
            Action::Step(steps) => self.step(steps),
            Action::Sort(to_the_right) => self.column = self.column.next(to_the_right),
            Action::Reverse => self.is_reversed = !self.is_reversed,
            Action::Unfold => self.is_whole = !self.is_whole,
            Action::Filter => {
                self.input = Some(Input::new(Purpose::Filter, self.filter.text()));
            }
            Action::Search => self.input = Some(Input::new(Purpose::Search, "")),
            Action::Found(forth) => self.find(forth),
            Action::Show(pane) => self.show(pane),
            Action::Next(forth) => self.show(self.pane.next(forth)),
            Action::Open => self.show(match self.pane {
                Pane::Conversations => Pane::Exchanges,
                Pane::Exchanges => Pane::Ladder,
                Pane::Ladder | Pane::Times | Pane::Bytes => self.pane,
            }),
            _ if self.is_help => self.is_help = false,
            Action::Move(lines) => self.move_by(lines),
            Action::Page(pages) => {
                let page = isize::try_from(self.page.max(1)).unwrap_or(1);
                self.move_by(pages.saturating_mul(page));
            }
            Action::First => self.move_by(isize::MIN),
            Action::Last => self.move_by(isize::MAX),
            Action::Quit | Action::Back | Action::Suspend | Action::Redraw => {}
        }
    }

    fn show(&mut self, pane: Pane) {
        self.is_help = false;
        if pane != self.pane {
            self.pane = pane;
            self.scroll = 0;
            if pane > Pane::Exchanges {
                self.beside = pane;
            }
        }
    }

    /// Pauses the screen; what happens meanwhile is still counted.
    fn pause(&mut self) {
        let moment = self.model.moment();
        let since_ns = self.model.now_ns();
        // What was shown last can be stepped back to.
        self.model.history.push(moment.clone());
        self.paused = Some(Paused {
            since_ns,
            at_ns: since_ns,
            moment,
            exchanges: self.model.all_exchanges(),
        });
    }

    /// Shows an earlier state, or a later one up to that at which the screen was paused.
    fn step(&mut self, steps: isize) {
        if self.paused.is_none() {
            if steps > 0 {
                return;
            }
            self.pause();
        }
        let Some(paused) = &mut self.paused else {
            return;
        };
        let history = &self.model.history;
        if let Some(time_ns) = history.step(paused.at_ns, steps)
            && let at_ns = time_ns.min(paused.since_ns)
            && let Some(moment) = history.at(at_ns)
        {
            if paused.at_ns == at_ns && steps < 0 {
                self.notice = Some("nothing earlier is kept".to_owned());
            }
            paused.at_ns = at_ns;
            paused.moment = moment.clone();
        }
    }

    fn type_on(&mut self, mut input: Input, key: Key) {
        match key {
            Key::Escape => return,
            Key::Enter if input.purpose == Purpose::Filter => {
                if let Some(filter) = input.filter() {
                    self.filter = filter;
                    return;
                }
            }
            Key::Enter => {
                if !input.text.trim().is_empty() {
                    self.search = input.text.trim().to_lowercase();
                }
                self.find(true);
                return;
            }
            Key::Backspace => input.pop(),
            Key::Ctrl('u') => input.clear(),
            Key::Char(c) => input.push(c),
            _ => {}
        }
        self.input = Some(input);
    }
}
