// SPDX-License-Identifier: MIT OR Apache-2.0
//! Feeds entries to the views of the run that they tell of.

use super::Views;
use crate::{
    feed::{Closing, Feed, Greetings, Opening, Run, Unseen},
    recording::Entry,
    session::SessionError,
};

/// What is fed.
pub(super) struct Player<'a> {
    stage: Stage<'a>,
    /// What is known of the run's end; before its last entry, what is known so far.
    closing: Closing,
}

enum Stage<'a> {
    /// Which views will be needed is not known before the first entry.
    Waiting(Box<Views<'a>>),
    Watch(Box<Feed>),
    Greetings(Box<Greetings<'a>>),
    /// A view could not be written.
    Failed,
}

impl<'a> Player<'a> {
    pub(super) fn new(views: Views<'a>) -> Self {
        Self {
            stage: Stage::Waiting(Box::new(views)),
            closing: Closing::default(),
        }
    }

    pub(super) fn take(&mut self, entry: Entry) -> Result<(), SessionError> {
        let time_ns = entry.time_ns().unwrap_or(0);
        self.closing.ended_ns = self.closing.ended_ns.max(time_ns);
        match (entry, &mut self.stage) {
            (Entry::Opening(opening), _) => self.begin(*opening)?,
            (Entry::Event(event), Stage::Watch(feed)) => feed.push(event, drop),
            (Entry::Event(event), Stage::Greetings(greetings)) => greetings.push(event),
            (Entry::Greeting { greeted, traced }, Stage::Greetings(greetings)) => {
                self.closing.sent += 1;
                let seq = greeted.sent.seq;
                let exchange = traced
                    .then(|| greetings.whole(seq))
                    .map(|whole| whole.unwrap_or_else(|| greetings.part(seq)));
                greetings.greeting(greeted, exchange)?;
            }
            (Entry::Dropped(events), _) => {
                if let Some(unseen) = &mut self.closing.unseen {
                    unseen.events_dropped = events;
                }
            }
            (Entry::Closing(closing), _) => self.closing = closing,
            // Nothing can be shown before the opening, and a watch greets nobody.
            (Entry::Event(_) | Entry::Greeting { .. }, _) => {}
        }
        Ok(())
    }

    fn begin(&mut self, opening: Opening) -> Result<(), SessionError> {
        let stage = std::mem::replace(&mut self.stage, Stage::Failed);
        let Stage::Waiting(views) = stage else {
            self.stage = stage;
            return Ok(());
        };
        let is_traced = !opening.system().attached.hooks.is_empty();
        self.closing.unseen = is_traced.then(Unseen::default);
        let Views {
            output,
            watcher,
            sinks,
        } = *views;
        self.stage = match &opening.run {
            Run::Watch(_) => {
                let feed = Feed::begin(sinks.shown(watcher), &opening)?;
                Stage::Watch(Box::new(feed))
            }
            Run::Greetings(start) => {
                let greetings = Greetings::begin(output, sinks, start.clone(), opening.began_ns)?;
                Stage::Greetings(Box::new(greetings))
            }
        };
        Ok(())
    }

    /// When nothing more is there for now.
    pub(super) fn rest(&mut self) -> Result<(), SessionError> {
        match &mut self.stage {
            Stage::Watch(feed) => feed.rest(),
            Stage::Greetings(greetings) => greetings.rest(),
            Stage::Waiting(_) | Stage::Failed => Ok(()),
        }
    }

    /// Sums up, if anything began.
    pub(super) fn finish(self) -> Result<(), SessionError> {
        match self.stage {
            Stage::Watch(feed) => feed.finish(&self.closing),
            Stage::Greetings(greetings) => greetings.finish(&self.closing).map(drop),
            Stage::Waiting(_) | Stage::Failed => Ok(()),
        }
    }
}
