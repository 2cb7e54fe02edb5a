// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that a run is written to, in addition to what is shown.

use std::{
    io::{stderr, stdin, stdout},
    path::Path,
};

use greet_user::target::Identity;

use super::Sinks;
use crate::{error::SessionError, view::View};

/// Their paths; `-` is standard output.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    input: Option<&'a Path>,
    record: Option<&'a Path>,
    pcapng: Option<&'a Path>,
    report: Option<(&'a Path, u32)>,
}

impl<'a> Files<'a> {
    /// A recording and a capture file.
    #[must_use]
    pub const fn of(record: Option<&'a Path>, pcapng: Option<&'a Path>) -> Self {
        Self {
            input: None,
            record,
            pcapng,
            report: None,
        }
    }

    /// The file read during the run; `-` is standard input.
    #[must_use]
    pub fn read_from(self, input: &'a Path) -> Self {
        Self {
            input: Some(input),
            ..self
        }
    }

    /// Adds a page for a browser, and the number of exchanges that it holds in full.
    #[must_use]
    pub fn with_report(self, report: Option<&'a Path>, limit: u32) -> Self {
        Self {
            report: report.map(|path| (path, limit)),
            ..self
        }
    }

    /// Whether one of them is standard output, in which case nothing else goes there.
    #[must_use]
    pub fn is_stdout(self) -> bool {
        self.streams() > 0
    }

    /// Number of files that go to standard output.
    fn streams(self) -> usize {
        let report = self.report.map(|(path, _)| path);
        let files = [self.record, self.pcapng, report];
        files.into_iter().filter(|file| is_stdout(*file)).count()
    }

    /// The files that are already being read or written.
    fn in_use(&self) -> Result<Vec<(&'a str, Option<Identity>)>, SessionError> {
        let mut in_use = shown_on(self.is_stdout())?;
        if let Some(input) = self.input {
            let identity = match input == Path::new("-") {
                true => Identity::of_open_file(stdin())?,
                false => Identity::of_path(input),
            };
            in_use.push(("the recording being replayed", identity));
        }
        Ok(in_use)
    }

    /// Opens the files, in addition to what is shown.
    ///
    /// # Errors
    /// [`SessionError::File`] if one cannot be opened for writing, [`SessionError::TwoStreams`] if
    /// several would go to standard output, [`SessionError::SameFile`] if two would overwrite each
    /// other.
    pub fn open(self, shown: Option<Box<dyn View>>) -> Result<Sinks, SessionError> {
        if self.streams() > 1 {
            return Err(SessionError::TwoStreams);
        }
        let mut sinks = Sinks::default();
        for (name, identity) in self.in_use()? {
            sinks.claim(Path::new(name), identity.as_ref())?;
        }
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

/// Both may be the same file: each is appended to what the other wrote.
fn shown_on(is_stdout: bool) -> Result<Vec<(&'static str, Option<Identity>)>, SessionError> {
    let error = ("standard error", Identity::of_open_file(stderr())?);
    let out = ("standard output", Identity::of_open_file(stdout())?);
    Ok(match is_stdout {
        // Standard output is claimed by the file that goes there.
        true => vec![error],
        false if error.1 == out.1 => vec![out],
        false => vec![out, error],
    })
}

fn is_stdout(file: Option<&Path>) -> bool {
    file == Some(Path::new("-"))
}
