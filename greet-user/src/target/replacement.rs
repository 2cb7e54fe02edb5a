// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that takes the place of an older one when it is finished, and not before.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use crate::output::Finish;

/// Where it is written until it is finished.
pub struct Replacement {
    place: Place,
    out: Option<BufWriter<Box<dyn Write>>>,
}

enum Place {
    /// Standard output, or something that is no file of its own: a pipe, a device.
    Stream(Option<Box<dyn Write>>),
    /// A file, and the one beside it that is written first.
    File { path: PathBuf, beside: PathBuf },
}

impl Replacement {
    /// Makes sure that the file can be written; standard output where the path is `-`.
    /// `not_for_a_terminal` says what to do where that is one.
    ///
    /// # Errors
    /// Where it cannot be written, or is a terminal.
    pub fn open(path: &Path, not_for_a_terminal: &'static str) -> io::Result<Self> {
        let place = if path == Path::new("-") {
            let stdout = io::stdout();
            if stdout.is_terminal() {
                return Err(io::Error::other(not_for_a_terminal));
            }
            Place::Stream(Some(Box::new(stdout)))
        } else {
            match fs::metadata(path) {
                Ok(found) if found.is_file() => {
                    // What must not be written must not be replaced either.
                    OpenOptions::new().write(true).open(path)?;
                    // A link goes on to lead to it.
                    beside(&fs::canonicalize(path)?)?
                }
                Ok(_) => {
                    let stream = OpenOptions::new().write(true).open(path)?;
                    Place::Stream(Some(Box::new(stream)))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => beside(path)?,
                Err(error) => return Err(error),
            }
        };
        Ok(Self { place, out: None })
    }

    fn out(&mut self) -> io::Result<&mut BufWriter<Box<dyn Write>>> {
        if self.out.is_none() {
            let out: Box<dyn Write> = match &mut self.place {
                Place::Stream(stream) => stream.take().ok_or(io::ErrorKind::BrokenPipe)?,
                Place::File { beside, .. } => Box::new(create(beside)?),
            };
            self.out = Some(BufWriter::with_capacity(1 << 16, out));
        }
        self.out
            .as_mut()
            .ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

/// The file beside it can be made: that is tried, and it is taken away again, so that a run
/// that is killed leaves nothing behind.
fn beside(path: &Path) -> io::Result<Place> {
    if path.file_name().is_none() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let beside = path.with_file_name(format!(".greet-user-{}.part", std::process::id()));
    create(&beside)?;
    fs::remove_file(&beside)?;
    let path = path.to_path_buf();
    Ok(Place::File { path, beside })
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out()?.flush()
    }
}

impl Finish for Replacement {
    fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        if let Place::File { path, beside } = &self.place {
            if let Ok(older) = fs::metadata(path) {
                fs::set_permissions(&*beside, older.permissions())?;
            }
            // What the disk had no room for is known now, and not after the renaming.
            File::open(&*beside)?.sync_all()?;
            fs::rename(beside, path)?;
        }
        self.out = None;
        self.place = Place::Stream(None);
        Ok(())
    }
}

impl Drop for Replacement {
    /// What was not finished is taken away.
    fn drop(&mut self) {
        if let (Place::File { beside, .. }, Some(_)) = (&self.place, &self.out) {
            fs::remove_file(beside).unwrap_or_default();
        }
    }
}
