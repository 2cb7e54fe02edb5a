// SPDX-License-Identifier: MIT OR Apache-2.0
//! A replay: reads a recording, feeds it to the views as the live run did, and closes with the
//! summary. Needs neither root nor anything from the kernel.

pub(crate) mod pace;
pub mod player;
pub(crate) mod reading;

use std::path::Path;

use greet_trace::recording::{Entry, RecordingError};
use tokio::time::sleep_until;

use crate::{error::SessionError, signals::Stop, sinks::Sinks};
use pace::Pace;
use player::Player;
use reading::Reading;

/// Shows a recording, until its end or until asked to stop; in real time if it `is_paced`.
///
/// # Errors
/// [`SessionError::Recording`] if it cannot be read, or not completely; everything that could be
/// read has been shown by then.
pub async fn replay(file: &Path, is_paced: bool, sinks: Sinks) -> Result<(), SessionError> {
    let mut stop = Stop::listen().map_err(SessionError::Signal)?;
    let mut reading = Reading::start(file)?;
    let mut trouble = Trouble::default();
    let mut pace = is_paced.then(Pace::default);
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

/// Problems with the recording.
#[derive(Default)]
pub(crate) struct Trouble {
    pub(crate) first: Option<RecordingError>,
    /// Whether the last frame was damaged.
    is_behind_damage: bool,
    /// Whether reading on is pointless.
    pub(crate) is_too_much: bool,
}

impl Trouble {
    /// Skips a damaged frame. After a second one in a row, frame boundaries are no longer certain.
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
