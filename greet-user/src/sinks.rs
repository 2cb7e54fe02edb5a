// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a run goes: any number of views, and a recording. Each is opened before the run starts, so
//! that a bad path fails immediately. One that fails later is no longer written; the others
//! continue until the end.

mod files;
mod typed;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use files::Files;

use greet_trace::{
    event::Event,
    greeting::{Greeted, Greeting},
    journey::Update,
    kernel::TracerError,
    recording::Writer,
    run::{Closing, Opening, Progress, Summary},
};
use greet_user::target::{Identity, Replacement, Target};

use crate::{
    error::SessionError,
    output::{Pcapng, Report},
    view::View,
};

#[cfg(all(feature = "metrics", feature = "otlp"))]
use crate::collector::Sending;
#[cfg(feature = "otlp")]
use crate::collector::{Endpoint, Otlp, Sender};
#[cfg(feature = "metrics")]
use crate::{output::Metrics, serve::Server};

/// All sinks; none by default.
#[derive(Default)]
pub struct Sinks {
    views: Vec<Written>,
    recording: Option<Recording>,
    /// The files that are read or written, and their paths.
    claimed: Vec<(Identity, PathBuf)>,
    /// Answers scrapes until the run ends.
    #[cfg(feature = "metrics")]
    server: Option<Server>,
    /// Counts of what is sent to a collector, if there is one.
    #[cfg(all(feature = "metrics", feature = "otlp"))]
    sending: Option<Sending>,
}

/// A recording, and the file that it is written to.
struct Recording {
    writer: Writer<Target>,
    path: PathBuf,
}

/// A view, and the file that it is written to; `None` for standard output.
struct Written {
    view: Box<dyn View>,
    path: Option<PathBuf>,
}

impl Sinks {
    /// Adds a view on standard output.
    #[must_use]
    pub fn shown(mut self, view: Box<dyn View>) -> Self {
        // It comes first, so that a user at a terminal does not wait for the others.
        self.views.insert(0, Written { view, path: None });
        self
    }

    /// Adds metrics for scrapes, which are answered for the duration of the run.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn served(mut self, metrics: Metrics, server: Server) -> Self {
        self.server = Some(server);
        self.and(Box::new(metrics), None)
    }

    /// Records the run in a file or, if the path is `-`, on standard output. A file keeps its
    /// content until the run starts: a run that cannot start does not destroy an older recording.
    ///
    /// # Errors
    /// [`SessionError::File`] if it cannot be opened for writing.
    pub fn recorded(mut self, path: &Path) -> Result<Self, SessionError> {
        let not_for_a_terminal = "a recording cannot be written to a terminal; name a file, or \
                                  append `| greet-user replay -`";
        let target = Target::open(path, not_for_a_terminal).map_err(|error| failed(path, error))?;
        let writer = Writer::new(target);
        self.claim(path, writer.get_ref().identity())?;
        self.recording = Some(Recording {
            writer,
            path: path.to_path_buf(),
        });
        Ok(self)
    }

    /// Writes a capture file or, if the path is `-`, to standard output.
    ///
    /// # Errors
    /// [`SessionError::File`] if it cannot be opened for writing.
    pub fn captured(mut self, path: &Path) -> Result<Self, SessionError> {
        let not_for_a_terminal = "a capture cannot be written to a terminal; name a file, or \
                                  append `| wireshark -k -i -`";
        let target = Target::open(path, not_for_a_terminal);
        let target = target.map_err(|error| failed(path, error))?;
        self.claim(path, target.identity())?;
        Ok(self.and(Box::new(Pcapng::new(target)), Some(path)))
    }

    /// Writes a page for a browser at the end, with up to `limit` exchanges in full, to a file or,
    /// if the path is `-`, to standard output.
    ///
    /// # Errors
    /// [`SessionError::File`] if it cannot be opened for writing.
    pub fn reported(mut self, path: &Path, limit: u32) -> Result<Self, SessionError> {
        let not_for_a_terminal = "a report cannot be written to a terminal; name a file";
        let target = Replacement::open(path, not_for_a_terminal);
        let target = target.map_err(|error| failed(path, error))?;
        self.claim(path, target.identity())?;
        let view = Report::new(target, limit, typed::command());
        Ok(self.and(Box::new(view), Some(path)))
    }

    /// Claims a file, so that nothing else is written to it.
    ///
    /// # Errors
    /// [`SessionError::SameFile`] if it is already claimed.
    fn claim(&mut self, path: &Path, identity: Option<&Identity>) -> Result<(), SessionError> {
        let Some(identity) = identity else {
            return Ok(());
        };
        let mut claimed = self.claimed.iter();
        if let Some((_, other)) = claimed.find(|(other, _)| other == identity) {
            return Err(SessionError::SameFile {
                path: path.to_path_buf(),
                other: other.clone(),
            });
        }
        self.claimed.push((identity.clone(), path.to_path_buf()));
        Ok(())
    }

    /// Sends exchanges to a collector.
    ///
    /// # Errors
    /// [`SessionError::Otlp`] if the environment asks for something unsupported.
    #[cfg(feature = "otlp")]
    pub fn sent(self, to: &Endpoint, is_live: bool) -> Result<Self, SessionError> {
        let sender = Sender::to(to, is_live).map_err(SessionError::Otlp)?;
        #[cfg(feature = "metrics")]
        let sinks = Self {
            sending: Some(sender.sending()),
            ..self
        };
        #[cfg(not(feature = "metrics"))]
        let sinks = self;
        Ok(sinks.and(Box::new(Otlp::new(sender)), None))
    }

    /// Counts of what is sent to a collector, for metrics.
    #[cfg(all(feature = "metrics", feature = "otlp"))]
    #[must_use]
    pub fn sending(&self) -> Option<Sending> {
        self.sending.clone()
    }

    fn and(mut self, view: Box<dyn View>, path: Option<&Path>) -> Self {
        let file = path.filter(|path| *path != Path::new("-"));
        let path = file.map(Path::to_path_buf);
        self.views.push(Written { view, path });
        self
    }

    /// Opens the run, before anything happens.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open(&mut self, opening: &Opening) -> Result<(), SessionError> {
        let recorded = self.record(|writer| writer.opening(opening));
        recorded.and(self.each(|view| view.open(opening)))
    }

    /// A raw event, before it is processed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn event(&mut self, event: &Event) -> Result<(), SessionError> {
        self.record(|writer| writer.event(event))
    }

    /// What the client knows about a greeting, and whether it was traced.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn greeted(&mut self, greeted: &Greeted, traced: bool) -> Result<(), SessionError> {
        self.record(|writer| writer.greeting(greeted, traced))
    }

    /// A greeting has completed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn greeting(&mut self, greeting: &Greeting) -> Result<(), SessionError> {
        self.each(|view| view.greeting(greeting))
    }

    /// Number of events dropped so far; `count` is called only if it is needed.
    ///
    /// # Errors
    /// If they cannot be counted, or the number cannot be written.
    pub fn dropped(
        &mut self,
        count: impl FnOnce() -> Result<u64, TracerError>,
    ) -> Result<(), SessionError> {
        if self.recording.is_some() {
            let events = count()?;
            self.record(|writer| writer.dropped(events))?;
        }
        Ok(())
    }

    /// An update from the journey.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn update(
        &mut self,
        update: &Update<'_>,
        callback: Option<&str>,
    ) -> Result<(), SessionError> {
        self.each(|view| view.update(update, callback))
    }

    /// Whether any view wants progress reports.
    #[must_use]
    pub fn wants_progress(&self) -> bool {
        self.views
            .iter()
            .any(|written| written.view.wants_progress())
    }

    /// Reports the run's progress.
    pub fn progress(&mut self, progress: &Progress) {
        for written in &mut self.views {
            written.view.progress(progress);
        }
    }

    /// Flushes everything: no more data is available for now.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn flush(&mut self) -> Result<(), SessionError> {
        let recorded = self.record(Writer::flush);
        recorded.and(self.each(|view| view.flush()))
    }

    /// Closes the run.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn close(&mut self, summary: &Summary, closing: &Closing) -> Result<(), SessionError> {
        let recorded = self.record(|writer| writer.closing(closing));
        recorded.and(self.each(|view| view.close(summary)))
    }

    fn record(
        &mut self,
        write: impl FnOnce(&mut Writer<Target>) -> io::Result<()>,
    ) -> Result<(), SessionError> {
        let Some(Recording { writer, path }) = &mut self.recording else {
            return Ok(());
        };
        let written = write(writer).map_err(|error| failed(path, error));
        if written.is_err() {
            self.recording = None;
        }
        written
    }

    fn each(
        &mut self,
        mut write: impl FnMut(&mut dyn View) -> io::Result<()>,
    ) -> Result<(), SessionError> {
        let mut first = Ok(());
        self.views.retain_mut(|Written { view, path }| {
            let written = write(&mut **view).map_err(|error| match path {
                None => SessionError::Output(error),
                Some(path) => failed(path, error),
            });
            let goes_on = written.is_ok();
            if first.is_ok() {
                first = written;
            }
            goes_on
        });
        first
    }
}

fn failed(path: &Path, error: io::Error) -> SessionError {
    let is_stdout = path == Path::new("-");
    let path = if is_stdout {
        Path::new("standard output")
    } else {
        path
    };
    SessionError::File {
        path: path.to_path_buf(),
        error,
    }
}
