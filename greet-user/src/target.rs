// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a recording, a capture or a report goes to, opened before the run begins.

mod replacement;

pub use replacement::Replacement;

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal as _, Write},
    path::Path,
};

/// A file or standard output. A file keeps what it has until the first byte is written: a
/// run that cannot begin does not cost an older file.
#[derive(Debug)]
pub struct Target {
    out: Out,
    is_written: bool,
}

#[derive(Debug)]
enum Out {
    /// A file, a pipe or a device.
    File(File),
    Stdout(io::Stdout),
}

impl Target {
    /// Opens the file, or standard output where the path is `-`. `not_for_a_terminal` says
    /// what to do where that is one.
    ///
    /// # Errors
    /// Where it cannot be opened for writing, or is a terminal.
    pub fn open(path: &Path, not_for_a_terminal: &'static str) -> io::Result<Self> {
        let out = if path == Path::new("-") {
            let stdout = io::stdout();
            if stdout.is_terminal() {
                return Err(io::Error::other(not_for_a_terminal));
            }
            Out::Stdout(stdout)
        } else {
            let mut how = OpenOptions::new();
            Out::File(how.write(true).create(true).truncate(false).open(path)?)
        };
        Ok(Self {
            out,
            is_written: false,
        })
    }

    /// A file loses what it had.
    fn empty(&self) -> io::Result<()> {
        match &self.out {
            Out::File(file) if file.metadata()?.is_file() => file.set_len(0),
            Out::File(_) | Out::Stdout(_) => Ok(()),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_written {
            self.empty()?;
            self.is_written = true;
        }
        match &mut self.out {
            Out::File(file) => file.write(bytes),
            Out::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::File(file) => file.flush(),
            Out::Stdout(stdout) => stdout.flush(),
        }
    }
}
