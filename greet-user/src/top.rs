// SPDX-License-Identifier: MIT OR Apache-2.0
//! The story of the screen: attach or open a recording, take the terminal, show what happens
//! until somebody ends it, give the terminal back.
//!
//! [`state`] and [`draw`] are pure: events, times and keys go into the one, and the other
//! makes a picture of it. The shell around them is [`terminal`], the signals, and the loop
//! that waits for whatever comes first. Nothing in it waits for the terminal: one that does
//! not read gets no new picture, and events are read all the same.

pub mod draw;
pub mod keys;
mod live;
mod recorded;
mod run;
mod signals;
pub mod state;
mod subject;
pub mod terminal;

use std::{cell::RefCell, rc::Rc};

use crate::{
    cli::{ReplayOptions, TopOptions},
    error::SessionError,
    event,
    journey::Update,
    run::Opening,
    view::View,
};
use draw::Theme;
use live::Live;
use recorded::Recorded;
use run::run;
use signals::Signals;
use state::{Source, State, columns::Column, model::Limits};
use terminal::Screen;

/// The state, as those share it that fill it and that draw it.
type Shared = Rc<RefCell<State>>;

/// Shows the running kernel. Returns the exit status.
///
/// # Errors
/// [`SessionError`]: one sentence with the next step. Nothing is attached then, and the
/// terminal is as it was.
pub async fn live(options: &TopOptions) -> Result<u8, SessionError> {
    let terminal = terminal::open()?;
    let mut signals = Signals::listen().map_err(SessionError::Signal)?;
    let theme = Theme::new(options.drawing.render());
    let sinks = options.sinks()?;
    let subject = subject::of(&options.scope);
    let state = State::new(subject, Source::Live, Limits::LIVE);
    let state = Rc::new(RefCell::new(state));
    let sinks = sinks.shown(Box::new(Shown(Rc::clone(&state))));
    let mut live = Live::attach(options, sinks, Rc::clone(&state))?;
    let mut screen = match Screen::enter(terminal) {
        Ok(screen) => screen,
        Err(error) => {
            live.finish().await?;
            return Err(SessionError::Output(error));
        }
    };
    let ended = run(&state, &mut live, &mut screen, &mut signals, theme).await;
    drop(screen);
    let finished = live.finish().await;
    ended?;
    finished
}

/// Shows a recording.
///
/// # Errors
/// [`SessionError`] where it cannot be read, or not to its end: then what can be read was
/// shown.
pub async fn replayed(options: &ReplayOptions) -> Result<(), SessionError> {
    let terminal = terminal::open()?;
    let mut signals = Signals::listen().map_err(SessionError::Signal)?;
    let theme = Theme::new(options.show.render());
    let file = options.file.as_os_str().as_encoded_bytes();
    let subject = format!("recording {}", event::escaped(file));
    let mut state = State::new(subject, Source::Reading, Limits::RECORDED);
    if !options.pace {
        // At the end of a recording nothing happens any more.
        state.column = Column::Messages;
    }
    let state = Rc::new(RefCell::new(state));
    let sinks = options
        .sinks(None)?
        .shown(Box::new(Shown(Rc::clone(&state))));
    let mut recorded = Recorded::open(options, sinks, Rc::clone(&state))?;
    let mut screen = Screen::enter(terminal).map_err(SessionError::Output)?;
    let ended = run(&state, &mut recorded, &mut screen, &mut signals, theme).await;
    drop(screen);
    ended?;
    recorded.finish()
}

/// Passes everything to the state.
struct Shown(Shared);

impl View for Shown {
    fn open(&mut self, opening: &Opening) -> std::io::Result<()> {
        self.0.borrow_mut().open(opening);
        Ok(())
    }

    fn update(&mut self, update: &Update<'_>, _: Option<&str>) -> std::io::Result<()> {
        self.0.borrow_mut().model.update(update);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
