// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that a run is written to beside what is shown.

use std::path::Path;

use super::Sinks;
use crate::{output::Watcher, session::SessionError};

/// Their paths; `-` is standard output.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    record: Option<&'a Path>,
    pcapng: Option<&'a Path>,
}

impl<'a> Files<'a> {
    /// A recording, a capture file.
    #[must_use]
    pub const fn of(record: Option<&'a Path>, pcapng: Option<&'a Path>) -> Self {
        Self { record, pcapng }
    }

    /// Does one of them go to standard output? Then nothing else does.
    #[must_use]
    pub fn is_stdout(self) -> bool {
        is_stdout(self.record) || is_stdout(self.pcapng)
    }

    /// Opens them, beside what is shown.
    ///
    /// # Errors
    /// [`SessionError::File`] where one cannot be opened for writing,
    /// [`SessionError::TwoStreams`] where both are to go to standard output.
    pub fn open(self, shown: Option<Box<dyn Watcher>>) -> Result<Sinks, SessionError> {
        if is_stdout(self.record) && is_stdout(self.pcapng) {
            return Err(SessionError::TwoStreams);
        }
        let mut sinks = Sinks::default();
        if let Some(view) = shown.filter(|_| !self.is_stdout()) {
            sinks = sinks.shown(view);
        }
        if let Some(path) = self.record {
            sinks = sinks.recorded(path)?;
        }
        if let Some(path) = self.pcapng {
            sinks = sinks.captured(path)?;
        }
        Ok(sinks)
    }
}

fn is_stdout(file: Option<&Path>) -> bool {
    file == Some(Path::new("-"))
}
