// SPDX-License-Identifier: MIT OR Apache-2.0
//! Feeds the entries of a recording to the pipeline.

use greet_trace::{
    recording::Entry,
    run::{Closing, Opening, Unseen},
};

use crate::{error::SessionError, pipeline::Pipeline, sinks::Sinks};

/// Plays a recording.
pub struct Player {
    state: PlayerState,
    /// What is known about the end of the run: until its last entry, what is known so far.
    closing: Closing,
}

enum PlayerState {
    /// The first entry opens the run.
    Waiting(Box<Sinks>),
    Open(Box<Pipeline>),
    /// A view could not be written.
    Failed,
}

impl Player {
    /// Creates a player that feeds these sinks.
    #[must_use]
    pub fn new(sinks: Sinks) -> Self {
        Self {
            state: PlayerState::Waiting(Box::new(sinks)),
            closing: Closing::default(),
        }
    }

    /// Feeds the next entry.
    ///
    /// # Errors
    /// If a view cannot be written.
    pub fn take(&mut self, entry: Entry) -> Result<(), SessionError> {
        let time_ns = entry.time_ns().unwrap_or(0);
        self.closing.ended_ns = self.closing.ended_ns.max(time_ns);
        match (entry, &mut self.state) {
            (Entry::Opening(opening), _) => self.open(&opening)?,
            (Entry::Event(event), PlayerState::Open(pipeline)) => pipeline.push(event),
            (Entry::Greeting { greeted, traced }, PlayerState::Open(pipeline)) => {
                self.closing.sent += 1;
                pipeline.greeting(greeted, traced)?;
            }
            (Entry::Dropped(events), _) => {
                if let Some(unseen) = &mut self.closing.unseen {
                    unseen.events_dropped = events;
                }
            }
            (Entry::Closing(closing), state) => {
                self.closing = closing;
                // Nothing follows, even if the input stays open.
                if let PlayerState::Open(pipeline) = state {
                    pipeline.give_up();
                }
            }
            // Nothing can be shown before the opening.
            (Entry::Event(_) | Entry::Greeting { .. }, _) => {}
        }
        Ok(())
    }

    fn open(&mut self, opening: &Opening) -> Result<(), SessionError> {
        let state = std::mem::replace(&mut self.state, PlayerState::Failed);
        let PlayerState::Waiting(sinks) = state else {
            self.state = state;
            return Ok(());
        };
        let is_traced = !opening.system().attached.hooks.is_empty();
        self.closing.unseen = is_traced.then(Unseen::default);
        self.state = PlayerState::Open(Box::new(Pipeline::open(*sinks, opening)?));
        Ok(())
    }

    /// What is known so far about the end of the run.
    #[cfg(feature = "top")]
    #[must_use]
    pub const fn closing(&self) -> &Closing {
        &self.closing
    }

    /// Flushes the views: no more entries are available for now.
    ///
    /// # Errors
    /// If a view cannot be written.
    pub fn flush(&mut self) -> Result<(), SessionError> {
        match &mut self.state {
            PlayerState::Open(pipeline) => {
                if pipeline.wants_progress() {
                    pipeline.progress(self.closing.unseen.unwrap_or_default());
                }
                pipeline.flush()
            }
            PlayerState::Waiting(_) | PlayerState::Failed => Ok(()),
        }
    }

    /// Ends every exchange that is still open.
    #[cfg(feature = "top")]
    pub fn give_up(&mut self) {
        if let PlayerState::Open(pipeline) = &mut self.state {
            pipeline.give_up();
        }
    }

    /// Closes the run, if it was opened.
    ///
    /// # Errors
    /// If a view cannot be written.
    pub fn close(self) -> Result<(), SessionError> {
        match self.state {
            PlayerState::Open(pipeline) => pipeline.close(&self.closing).map(drop),
            PlayerState::Waiting(_) | PlayerState::Failed => Ok(()),
        }
    }
}
