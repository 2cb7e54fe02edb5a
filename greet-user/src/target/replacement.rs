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
                fs::set_permissions(beside, older.permissions())?;
            }
            // What the disk had no room for is known now, and not after the renaming.
            File::open(beside)?.sync_all()?;
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use tempfile::TempDir;

    use super::*;

    fn names(folder: &TempDir) -> Vec<OsString> {
        let entries = fs::read_dir(folder.path()).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").file_name())
            .collect()
    }

    #[test]
    fn an_older_file_stays_until_a_new_one_is_whole() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("report.html");
        fs::write(&path, "older").expect("writes");
        let older = || fs::read_to_string(&path).expect("it is there");

        let mut half = Replacement::open(&path, "").expect("it opens");
        assert_eq!(names(&folder).len(), 1, "nothing beside it yet");
        half.write_all(b"half").expect("writes");
        half.flush().expect("writes");
        assert_eq!(older(), "older");
        drop(half);
        assert_eq!((older().as_str(), names(&folder).len()), ("older", 1));

        let mut whole = Replacement::open(&path, "").expect("it opens");
        whole.write_all(b"whole").expect("writes");
        whole.finish().expect("writes");
        drop(whole);
        assert_eq!((older().as_str(), names(&folder).len()), ("whole", 1));
    }

    #[test]
    fn a_bad_path_fails_at_once() {
        let folder = TempDir::new().expect("a folder");
        let kind = |path: &Path| Replacement::open(path, "").err().map(|error| error.kind());
        assert_eq!(kind(folder.path()), Some(io::ErrorKind::IsADirectory));
        let nowhere = folder.path().join("no/report.html");
        assert_eq!(kind(&nowhere), Some(io::ErrorKind::NotFound));
        assert_eq!(
            kind(Path::new("/proc/report.html")),
            Some(io::ErrorKind::NotFound)
        );
    }

    #[test]
    fn a_link_goes_on_to_lead_to_its_file() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("report.html");
        let link = folder.path().join("link.html");
        fs::write(&path, "older").expect("writes");
        std::os::unix::fs::symlink(&path, &link).expect("links");
        let mut target = Replacement::open(&link, "").expect("it opens");
        target.write_all(b"newer").expect("writes");
        target.finish().expect("writes");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "newer");
        assert!(link.is_symlink());
    }

    #[test]
    fn a_full_disk_is_said() {
        let mut full = Replacement::open(Path::new("/dev/full"), "").expect("it opens");
        full.write_all(b"something").expect("it gathers");
        let error = full.finish().expect_err("there is no room");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
