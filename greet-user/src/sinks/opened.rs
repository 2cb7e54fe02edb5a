// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a capture goes to, opened before the run begins.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal as _, Write},
    path::Path,
};

use crate::recording::Target;

/// A file or standard output. A file keeps what it has until the first byte is written: a
/// run that cannot begin does not cost an older capture.
#[derive(Debug)]
pub struct Opened {
    target: Target,
    is_written: bool,
}

impl Opened {
    /// Opens the file, or standard output where the path is `-`.
    ///
    /// # Errors
    /// Where it cannot be opened for writing, or is a terminal.
    pub fn open(path: &Path) -> io::Result<Self> {
        let target = if path == Path::new("-") {
            let stdout = io::stdout();
            if stdout.is_terminal() {
                return Err(io::Error::other(
                    "a capture is nothing for a terminal; name a file, or put `| wireshark -k -i -` behind it",
                ));
            }
            Target::Stdout(stdout)
        } else {
            let mut how = OpenOptions::new();
            Target::File(how.write(true).create(true).truncate(false).open(path)?)
        };
        Ok(Self {
            target,
            is_written: false,
        })
    }
}

impl Write for Opened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_written {
            self.target.empty()?;
            self.is_written = true;
        }
        self.target.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}
