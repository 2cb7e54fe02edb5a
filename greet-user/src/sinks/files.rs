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
    report: Option<(&'a Path, u32)>,
}

impl<'a> Files<'a> {
    /// A recording, a capture file.
    #[must_use]
    pub const fn of(record: Option<&'a Path>, pcapng: Option<&'a Path>) -> Self {
        Self {
            record,
            pcapng,
            report: None,
        }
    }

    /// A page for a browser as well, and how many exchanges it holds in full.
    #[must_use]
    pub fn with_report(self, report: Option<&'a Path>, limit: u32) -> Self {
        Self {
            report: report.map(|path| (path, limit)),
            ..self
        }
    }

    /// Does one of them go to standard output? Then nothing else does.
    #[must_use]
    pub fn is_stdout(self) -> bool {
        self.streams() > 0
    }

    /// How many of them go to standard output.
    fn streams(self) -> usize {
        let report = self.report.map(|(path, _)| path);
        let files = [self.record, self.pcapng, report];
        files.into_iter().filter(|file| is_stdout(*file)).count()
    }

    /// Opens them, beside what is shown.
    ///
    /// # Errors
    /// [`SessionError::File`] where one cannot be opened for writing,
    /// [`SessionError::TwoStreams`] where several are to go to standard output.
    pub fn open(self, shown: Option<Box<dyn Watcher>>) -> Result<Sinks, SessionError> {
        if self.streams() > 1 {
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
        if let Some((path, limit)) = self.report {
            sinks = sinks.reported(path, limit)?;
        }
        Ok(sinks)
    }
}

fn is_stdout(file: Option<&Path>) -> bool {
    file == Some(Path::new("-"))
}
