// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a run goes to: any number of views at once, and a recording. Each is opened before
//! the run begins, so that a bad path fails at once. One that fails later is not written any
//! more; the others are, up to the end.

mod files;
mod typed;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use files::Files;

use crate::{
    error::SessionError,
    event::Event,
    greeting::{Greeted, Greeting},
    journey::Update,
    output::{Pcapng, Report},
    recording::Writer,
    run::{Closing, Opening, Progress, Summary},
    target::{Identity, Replacement, Target},
    tracer::TracerError,
    view::View,
};

#[cfg(all(feature = "metrics", feature = "otlp"))]
use crate::collector::Sending;
#[cfg(feature = "otlp")]
use crate::{
    collector::{Endpoint, Sender},
    output::otlp::Otlp,
};
#[cfg(feature = "metrics")]
use crate::{output::Metrics, serve::Server};

/// All of them; none by default.
#[derive(Default)]
pub struct Sinks {
    views: Vec<Written>,
    recording: Option<Recording>,
    /// Which files are read or written, and what they are called.
    claimed: Vec<(Identity, PathBuf)>,
    /// Answers scrapes until the run is over.
    #[cfg(feature = "metrics")]
    server: Option<Server>,
    /// What a collector gets, where there is one.
    #[cfg(all(feature = "metrics", feature = "otlp"))]
    sending: Option<Sending>,
}

/// A recording, and the file it is written to.
struct Recording {
    writer: Writer<Target>,
    path: PathBuf,
}

/// One view, and the file it is written to; `None` for standard output.
struct Written {
    view: Box<dyn View>,
    path: Option<PathBuf>,
}

impl Sinks {
    /// Shows it on standard output as well.
    #[must_use]
    pub fn shown(mut self, view: Box<dyn View>) -> Self {
        // First of all: nobody at a terminal waits for the others.
        self.views.insert(0, Written { view, path: None });
        self
    }

    /// Counts for scrapes as well, which are answered as long as the run goes on.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn served(mut self, metrics: Metrics, server: Server) -> Self {
        self.server = Some(server);
        self.and(Box::new(metrics), None)
    }

    /// Records the run as well, in a file or, where the path is `-`, on standard output.
    ///
    /// # Errors
    /// [`SessionError::File`] where it cannot be opened for writing.
    pub fn recorded(mut self, path: &Path) -> Result<Self, SessionError> {
        let writer = Writer::create(path).map_err(|error| failed(path, error))?;
        self.claim(path, writer.get_ref().identity())?;
        self.recording = Some(Recording {
            writer,
            path: path.to_path_buf(),
        });
        Ok(self)
    }

    /// Writes a capture file as well, or standard output where the path is `-`.
    ///
    /// # Errors
    /// [`SessionError::File`] where it cannot be opened for writing.
    pub fn captured(mut self, path: &Path) -> Result<Self, SessionError> {
        let not_for_a_terminal = "a capture is nothing for a terminal; name a file, or put \
                                  `| wireshark -k -i -` behind it";
        let target = Target::open(path, not_for_a_terminal);
        let target = target.map_err(|error| failed(path, error))?;
        self.claim(path, target.identity())?;
        Ok(self.and(Box::new(Pcapng::new(target)), Some(path)))
    }

    /// Writes a page for a browser as well, at the end, with up to `limit` exchanges in full;
    /// on standard output where the path is `-`.
    ///
    /// # Errors
    /// [`SessionError::File`] where it cannot be opened for writing.
    pub fn reported(mut self, path: &Path, limit: u32) -> Result<Self, SessionError> {
        let not_for_a_terminal = "a report is nothing for a terminal; name a file";
        let target = Replacement::open(path, not_for_a_terminal);
        let target = target.map_err(|error| failed(path, error))?;
        self.claim(path, target.identity())?;
        let view = Report::new(target, limit, typed::command());
        Ok(self.and(Box::new(view), Some(path)))
    }

    /// Nothing else may be written to this file.
    ///
    /// # Errors
    /// [`SessionError::SameFile`] where something is already.
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

    /// Sends exchanges to a collector as well.
    ///
    /// # Errors
    /// [`SessionError::Otlp`] where the environment asks for what there is not.
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

    /// What a collector gets, for metrics.
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

    /// Before anything happens.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn open(&mut self, opening: &Opening) -> Result<(), SessionError> {
        let recorded = self.record(|writer| writer.opening(opening));
        recorded.and(self.each(|view| view.open(opening)))
    }

    /// An event, before anything is made of it.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn event(&mut self, event: &Event) -> Result<(), SessionError> {
        self.record(|writer| writer.event(event))
    }

    /// What the client knows of a greeting, and whether the tracer was asked.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn greeted(&mut self, greeted: &Greeted, traced: bool) -> Result<(), SessionError> {
        self.record(|writer| writer.greeting(greeted, traced))
    }

    /// A greeting is over.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn greeting(&mut self, greeting: &Greeting) -> Result<(), SessionError> {
        self.each(|view| view.greeting(greeting))
    }

    /// How many events did not come so far; `count` is asked where somebody wants to know.
    ///
    /// # Errors
    /// What counting and writing ran into.
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

    /// Something happened.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn update(
        &mut self,
        update: &Update<'_>,
        callback: Option<&str>,
    ) -> Result<(), SessionError> {
        self.each(|view| view.update(update, callback))
    }

    /// Does anybody want to be told how far the run is?
    #[must_use]
    pub fn wants_progress(&self) -> bool {
        self.views
            .iter()
            .any(|written| written.view.wants_progress())
    }

    /// How far the run is.
    pub fn progress(&mut self, progress: &Progress) {
        for written in &mut self.views {
            written.view.progress(progress);
        }
    }

    /// When nothing more is there for now.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn flush(&mut self) -> Result<(), SessionError> {
        let recorded = self.record(Writer::flush);
        recorded.and(self.each(|view| view.flush()))
    }

    /// The run is over.
    ///
    /// # Errors
    /// What writing ran into.
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
