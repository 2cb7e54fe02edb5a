// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events of a recording: as fast as they can be read, or at the original pace.

use std::{collections::VecDeque, path::Path};

use greet_trace::recording::Entry;
use tokio::time::Instant;

use super::{
    Shared,
    run::{Events, Pulled},
    state::Source,
};
use crate::{
    error::SessionError,
    replay::{
        Trouble,
        pace::Pace,
        player::Player,
        reading::{ReadEntry, Reading},
    },
    sinks::Sinks,
};

/// Entries taken before keys are checked again.
const BATCH: usize = 8_192;

/// A recording being read.
pub(super) struct Recorded {
    reading: Reading,
    queue: VecDeque<ReadEntry>,
    trouble: Trouble,
    pace: Option<Pace>,
    /// The entry that must not be shown before this time.
    waiting: Option<(Instant, Entry)>,
    player: Player,
    state: Shared,
    is_over: bool,
}

impl Recorded {
    /// Opens it and starts reading.
    pub(super) fn open(
        file: &Path,
        is_paced: bool,
        sinks: Sinks,
        state: Shared,
    ) -> Result<Self, SessionError> {
        Ok(Self {
            reading: Reading::start(file)?,
            queue: VecDeque::new(),
            trouble: Trouble::default(),
            pace: is_paced.then(Pace::default),
            waiting: None,
            player: Player::new(sinks),
            state,
            is_over: false,
        })
    }

    /// Closes the output files, and returns what was wrong with the recording.
    pub(super) fn finish(self) -> Result<(), SessionError> {
        self.player.close()?;
        self.trouble.first.map_or(Ok(()), |error| Err(error.into()))
    }

    /// The next entry that is due.
    fn next(&mut self) -> Next {
        if let Some((due, entry)) = self.waiting.take() {
            if due > Instant::now() {
                self.waiting = Some((due, entry));
                return Next::Later;
            }
            return Next::Entry(entry);
        }
        loop {
            let Some(read) = self.queue.pop_front() else {
                match self.reading.there() {
                    Some(batch) if batch.is_empty() => return Next::Later,
                    Some(batch) => self.queue.extend(batch),
                    None => return Next::Over,
                }
                continue;
            };
            let Some(entry) = self.trouble.check(read) else {
                if self.trouble.is_too_much {
                    return Next::Over;
                }
                continue;
            };
            if let Some(due) = self.pace.as_mut().and_then(|pace| pace.due(&entry)) {
                self.waiting = Some((due, entry));
                return Next::Later;
            }
            return Next::Entry(entry);
        }
    }

    /// After the last entry.
    fn end(&mut self) {
        if self.is_over {
            return;
        }
        self.is_over = true;
        self.player.give_up();
        let mut state = self.state.borrow_mut();
        state.model.advance(self.player.closing().ended_ns);
        state.source = Source::Read;
        if let Some(error) = &self.trouble.first {
            state.notice = Some(error.to_string());
        }
    }
}

enum Next {
    Entry(Entry),
    /// None is due, or none has been read yet.
    Later,
    Over,
}

impl Events for Recorded {
    fn pull(&mut self) -> Result<Pulled, SessionError> {
        if self.is_over {
            return Ok(Pulled {
                events: 0,
                is_more: false,
            });
        }
        let mut events = 0;
        while events < BATCH {
            match self.next() {
                Next::Entry(entry) => {
                    events += 1;
                    self.player.take(entry)?;
                }
                Next::Later => break,
                Next::Over => {
                    self.end();
                    events += 1;
                    break;
                }
            }
        }
        self.player.flush()?;
        let mut state = self.state.borrow_mut();
        if let Some(unseen) = self.player.closing().unseen {
            let model = &mut state.model;
            model.unseen(unseen.events_dropped, unseen.calls_missed);
        }
        if let Some(pace) = &self.pace
            && !self.is_over
        {
            state.model.advance(pace.now_ns());
        }
        Ok(Pulled {
            events,
            is_more: events == BATCH,
        })
    }

    async fn ended(&mut self) -> Result<(), SessionError> {
        std::future::pending().await
    }
}
