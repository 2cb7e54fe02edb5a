// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop: whatever comes first, a key, a signal, or the time to look for events.

use std::{io, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Shared,
    draw::{Cache, Theme, draw},
    keys::Keys,
    signals::{Notice, Signals},
    state::{Source, Wish},
    terminal::Screen,
};
use crate::error::SessionError;

/// How often events are read: waiting for each one would mean a wakeup for each one.
const READ: Duration = Duration::from_millis(100);
/// How often a changed screen is drawn, if no key was pressed.
const CHANGED: Duration = Duration::from_millis(250);
/// The same if only the time has changed.
const SAME: Duration = Duration::from_secs(1);

/// Where events come from.
pub(super) trait Events {
    /// Feeds pending events, but not too many at once.
    fn pull(&mut self) -> Result<Pulled, SessionError>;

    /// Waits for the watched command to end; forever if there is none.
    async fn ended(&mut self) -> Result<(), SessionError>;
}

/// The outcome of a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pulled {
    /// How many events.
    pub events: usize,
    /// Are more pending already?
    pub is_more: bool,
}

/// What the loop woke up for.
enum Woken {
    Signal(Notice),
    Keys(usize),
    Gone,
    Time,
    Nothing,
}

/// Shows what happens until the user quits or the terminal is closed.
pub(super) async fn run(
    state: &Shared,
    events: &mut impl Events,
    screen: &mut Screen,
    signals: &mut Signals,
    theme: Theme,
) -> Result<(), SessionError> {
    let mut keys = Keys::default();
    let mut cache = Cache::default();
    let mut ticks = interval(READ);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut bytes = [0; 1024];
    // When the table was last made, and whether the terminal accepted its picture.
    let mut made: Option<Instant> = None;
    let mut is_drawn = false;
    let mut has_changed = true;
    let mut is_more = false;
    loop {
        let woken = tokio::select! {
            biased;
            notice = signals.next() => Woken::Signal(notice),
            read = screen.read(&mut bytes) => match read {
                Ok(0) | Err(_) => Woken::Gone,
                Ok(read) => Woken::Keys(read),
            },
            written = screen.written(), if !screen.is_written() => {
                if written.is_ok() { Woken::Nothing } else { Woken::Gone }
            }
            ended = events.ended() => {
                ended?;
                Woken::Time
            }
            _ = ticks.tick() => Woken::Time,
            () = tokio::task::yield_now(), if is_more => Woken::Time,
        };
        let mut is_asked = false;
        match woken {
            Woken::Gone | Woken::Signal(Notice::End) => return Ok(()),
            Woken::Signal(Notice::Resized) => is_asked = true,
            Woken::Signal(notice) => {
                let awake = match notice {
                    Notice::Suspend => screen.suspend(),
                    _ => screen.awake(),
                };
                if awake.is_err() {
                    return Ok(());
                }
                is_asked = true;
            }
            Woken::Keys(read) => {
                let mut wish = Wish::None;
                let mut shown = state.borrow_mut();
                keys.push(&bytes[..read], |key| wish = wish.or(shown.key(key)));
                drop(shown);
                if !wished(wish, screen) {
                    return Ok(());
                }
                is_asked = true;
            }
            Woken::Time => {
                if keys.is_waiting() {
                    let mut wish = Wish::None;
                    keys.settle(|key| wish = state.borrow_mut().key(key));
                    if !wished(wish, screen) {
                        return Ok(());
                    }
                    is_asked = true;
                }
                let pulled = events.pull()?;
                is_more = pulled.is_more;
                has_changed |= pulled.events > 0;
                behind(state, is_more);
            }
            Woken::Nothing => {}
        }
        let since = made.map_or(Duration::MAX, |made| made.elapsed());
        let is_due = since >= SAME || has_changed && since >= CHANGED;
        if is_due {
            state.borrow_mut().refresh();
            made = Some(Instant::now());
            has_changed = false;
        }
        if is_due || is_asked || !is_drawn {
            let mut shown = state.borrow_mut();
            match screen.draw(|frame| draw(&mut shown, &mut cache, &theme, frame)) {
                Ok(taken) => is_drawn = taken,
                Err(error) if is_gone(&error) => return Ok(()),
                Err(error) => return Err(SessionError::Output(error)),
            }
        }
    }
}

/// Does what keys ask for; returns whether to continue.
fn wished(wish: Wish, screen: &mut Screen) -> bool {
    match wish {
        Wish::None => true,
        Wish::Quit => false,
        Wish::Suspend => screen.suspend().is_ok(),
        Wish::Redraw => screen.redraw().is_ok(),
    }
}

fn behind(state: &Shared, is_more: bool) {
    let source = &mut state.borrow_mut().source;
    *source = match (*source, is_more) {
        (Source::Live, true) => Source::Behind,
        (Source::Behind, false) => Source::Live,
        (same, _) => same,
    };
}

/// Was the terminal closed?
fn is_gone(error: &io::Error) -> bool {
    let gone = [
        rustix::io::Errno::IO,
        rustix::io::Errno::NXIO,
        rustix::io::Errno::PIPE,
    ];
    gone.iter()
        .any(|gone| error.raw_os_error() == Some(gone.raw_os_error()))
}
