// SPDX-License-Identifier: MIT OR Apache-2.0
//! The story of a replay: read a recording, feed it to the views as the live run did, sum
//! up. Needs no root, and nothing of the kernel.

pub(crate) mod pace;
pub mod player;
pub(crate) mod reading;

use tokio::time::sleep_until;

use crate::{
    cli::ReplayOptions,
    error::SessionError,
    recording::{Entry, RecordingError},
    signals::Stop,
    sinks::Sinks,
};
use pace::Pace;
use player::Player;
use reading::Reading;

/// Shows a recording, up to its end or until told to stop.
///
/// # Errors
/// [`SessionError::Recording`] where it cannot be read, or not to its end: then what can be
/// read was shown.
pub async fn replay(options: &ReplayOptions, sinks: Sinks) -> Result<(), SessionError> {
    let mut stop = Stop::listen().map_err(SessionError::Signal)?;
    let mut reading = Reading::start(&options.file)?;
    let mut trouble = Trouble::default();
    let mut pace = options.pace.then(Pace::default);
    let mut player = Player::new(sinks);
    'reading: while let Some(Some(batch)) = stop.or(reading.next()).await {
        for read in batch {
            let Some(entry) = trouble.check(read) else {
                if trouble.is_too_much {
                    break 'reading;
                }
                continue;
            };
            if let Some(due) = pace.as_mut().and_then(|pace| pace.due(&entry)) {
                player.flush()?;
                if stop.or(sleep_until(due)).await.is_none() {
                    break 'reading;
                }
            }
            player.take(entry)?;
        }
        player.flush()?;
    }
    player.close()?;
    trouble.first.map_or(Ok(()), |error| Err(error.into()))
}

/// What was wrong with the recording.
#[derive(Default)]
pub(crate) struct Trouble {
    pub(crate) first: Option<RecordingError>,
    /// Was the last frame damaged?
    is_behind_damage: bool,
    /// Is there no use in reading on?
    pub(crate) is_too_much: bool,
}

impl Trouble {
    /// A damaged frame is left out. Behind a second one it is no longer certain where
    /// frames begin.
    pub(crate) fn check(&mut self, read: Result<Entry, RecordingError>) -> Option<Entry> {
        match read {
            Ok(entry) => {
                self.is_behind_damage = false;
                Some(entry)
            }
            Err(error) => {
                self.is_too_much = self.is_behind_damage || !error.is_one_frame();
                self.is_behind_damage = true;
                self.first.get_or_insert(error);
                None
            }
        }
    }
}
