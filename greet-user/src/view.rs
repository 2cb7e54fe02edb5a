// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every view implements: it is opened, updated, and closed.

use std::io;

use greet_trace::{
    greeting::Greeting,
    journey::Update,
    run::{Opening, Progress, Summary},
};

/// A view of a run: text, a file, numbers, a screen. The defaults ignore what they are passed.
pub trait View {
    /// Before anything happens.
    ///
    /// # Errors
    /// If it cannot be written.
    fn open(&mut self, _opening: &Opening) -> io::Result<()> {
        Ok(())
    }

    /// Something happened; `callback` is the receive callback of an exchange, if known.
    ///
    /// # Errors
    /// If it cannot be written.
    fn update(&mut self, update: &Update<'_>, callback: Option<&str>) -> io::Result<()>;

    /// A greeting of our own is over. Its messages and its exchange were reported as updates
    /// before.
    ///
    /// # Errors
    /// If it cannot be written.
    fn greeting(&mut self, _greeting: &Greeting) -> io::Result<()> {
        Ok(())
    }

    /// There is nothing more for now.
    ///
    /// # Errors
    /// If it cannot be written.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Whether [`View::progress`] is to be called, about once a second.
    fn wants_progress(&self) -> bool {
        false
    }

    /// How far the run is, even if nothing happens.
    fn progress(&mut self, _progress: &Progress) {}

    /// The run is over.
    ///
    /// # Errors
    /// If it cannot be written.
    fn close(&mut self, _summary: &Summary) -> io::Result<()> {
        Ok(())
    }
}
