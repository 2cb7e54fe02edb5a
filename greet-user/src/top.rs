// SPDX-License-Identifier: MIT OR Apache-2.0
//! The life of the screen: attach or open a recording, take the terminal, show what happens until
//! the user quits, restore the terminal.
//!
//! [`state`] and [`draw`] are pure: events, times and keys go into the one, and the other makes a
//! picture of it. Around them are [`terminal`], the signals, and the loop that waits for whatever
//! comes first. None of it waits for the terminal: one that does not read gets no new picture, and
//! events are still read.

pub mod draw;
pub mod keys;
mod live;
mod recorded;
mod run;
mod signals;
pub mod state;
pub mod terminal;

use std::{cell::RefCell, path::Path, rc::Rc};

use greet_trace::{event, journey::Update, run::Opening};

use crate::{error::SessionError, output::RenderOptions, sinks::Sinks, view::View, watch::Watch};
use draw::Theme;
use live::Live;
use recorded::Recorded;
use run::run;
use signals::Signals;
use state::{Source, State, columns::Column, model::Limits};
use terminal::Screen;

/// The state, shared by what fills it and what draws it.
type Shared = Rc<RefCell<State>>;

/// Shows the running kernel; `subject` describes what is watched, `sinks` opens what else the run
/// goes to. Returns the exit status.
///
/// # Errors
/// [`SessionError`]: one sentence with the next step. In that case nothing is attached, and the
/// terminal is unchanged.
pub async fn live(
    what: &Watch,
    subject: String,
    render: RenderOptions,
    sinks: impl FnOnce() -> Result<Sinks, SessionError>,
) -> Result<u8, SessionError> {
    let terminal = terminal::open()?;
    let mut signals = Signals::listen().map_err(SessionError::Signal)?;
    let theme = Theme::new(render);
    let sinks = sinks()?;
    let state = State::new(subject, Source::Live, Limits::LIVE);
    let state = Rc::new(RefCell::new(state));
    let sinks = sinks.shown(Box::new(Shown(Rc::clone(&state))));
    let mut live = Live::attach(what, sinks, Rc::clone(&state))?;
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

/// Shows a recording, in real time if it `is_paced`.
///
/// # Errors
/// [`SessionError`] if it cannot be read, or not to its end: then what could be read was shown.
pub async fn replayed(
    file: &Path,
    is_paced: bool,
    render: RenderOptions,
    sinks: impl FnOnce() -> Result<Sinks, SessionError>,
) -> Result<(), SessionError> {
    let terminal = terminal::open()?;
    let mut signals = Signals::listen().map_err(SessionError::Signal)?;
    let theme = Theme::new(render);
    let name = event::escaped(file.as_os_str().as_encoded_bytes());
    let subject = format!("recording {name}");
    let mut state = State::new(subject, Source::Reading, Limits::RECORDED);
    if !is_paced {
        // At the end of a recording, nothing happens any more.
        state.column = Column::Messages;
    }
    let state = Rc::new(RefCell::new(state));
    let sinks = sinks()?.shown(Box::new(Shown(Rc::clone(&state))));
    let mut recorded = Recorded::open(file, is_paced, sinks, Rc::clone(&state))?;
    let mut screen = Screen::enter(terminal).map_err(SessionError::Output)?;
    let ended = run(&state, &mut recorded, &mut screen, &mut signals, theme).await;
    drop(screen);
    ended?;
    recorded.finish()
}

/// Passes every update to the state.
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
