// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a run goes to: any number of views at once. Each is opened before the run begins,
//! so that a bad path fails at once.

use std::{io, path::PathBuf};

use crate::{
    journey::Told,
    output::{Observed, System, Watcher},
    session::SessionError,
};

/// All of them; none by default.
#[derive(Default)]
pub struct Sinks {
    views: Vec<View>,
}

/// One view, and the file it is written to; `None` for standard output.
struct View {
    watcher: Box<dyn Watcher>,
    path: Option<PathBuf>,
}

impl Sinks {
    /// Shows it on standard output as well.
    #[must_use]
    pub fn shown(self, watcher: Box<dyn Watcher>) -> Self {
        self.and(watcher, None)
    }

    /// Writes it to a file as well; errors will name it.
    #[must_use]
    pub fn file(self, path: PathBuf, watcher: Box<dyn Watcher>) -> Self {
        self.and(watcher, Some(path))
    }

    fn and(mut self, watcher: Box<dyn Watcher>, path: Option<PathBuf>) -> Self {
        self.views.push(View { watcher, path });
        self
    }

    /// Before anything.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn start(&mut self, system: &System) -> Result<(), SessionError> {
        self.each(|view| view.start(system))
    }

    /// As it happens.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn tell(&mut self, told: &Told<'_>, callback: Option<&str>) -> Result<(), SessionError> {
        self.each(|view| view.tell(told, callback))
    }

    /// When nothing more is there for now.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn flush(&mut self) -> Result<(), SessionError> {
        self.each(|view| view.flush())
    }

    /// At the end.
    ///
    /// # Errors
    /// What writing ran into.
    pub fn summary(&mut self, observed: &Observed) -> Result<(), SessionError> {
        self.each(|view| view.summary(observed))
    }

    fn each(
        &mut self,
        mut write: impl FnMut(&mut dyn Watcher) -> io::Result<()>,
    ) -> Result<(), SessionError> {
        for View { watcher, path } in &mut self.views {
            write(&mut **watcher).map_err(|error| match path {
                None => SessionError::Output(error),
                Some(path) => SessionError::File {
                    path: path.clone(),
                    error,
                },
            })?;
        }
        Ok(())
    }
}
