// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that replaces an existing one only once it is complete.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use super::{
    Finish, Found, Identity, find,
    fresh::{Fresh, Name},
    rights::Rights,
};

const BUFFER: usize = 1 << 16;

/// A file being written.
pub struct Replacement {
    out: Out,
    identity: Option<Identity>,
}

enum Out {
    /// Standard output, or something other than a regular file: a pipe, a device.
    Stream(BufWriter<Box<dyn Write>>),
    /// A file yet to be created.
    Waiting(Name),
    /// A file that does not have its final name yet.
    File(Name, BufWriter<Fresh>),
    /// Finished or abandoned.
    Done,
}

impl Replacement {
    /// Makes sure that the file can be written; standard output if the path is `-`.
    /// `not_for_a_terminal` is the error message if that is a terminal.
    ///
    /// # Errors
    /// If it cannot be written, or is a terminal.
    pub fn open(path: &Path, not_for_a_terminal: &'static str) -> io::Result<Self> {
        Self::open_as(path, Rights::of_this_process(), not_for_a_terminal)
    }

    /// The same with the given rights.
    pub(super) fn open_as(
        path: &Path,
        rights: Rights,
        not_for_a_terminal: &'static str,
    ) -> io::Result<Self> {
        let (found, identity) = find(path, rights, not_for_a_terminal)?;
        let stream = |out| Out::Stream(BufWriter::with_capacity(BUFFER, out));
        let out = match found {
            Found::Stdout(stdout) => stream(Box::new(stdout)),
            Found::Stream(file) => stream(Box::new(file)),
            Found::File(place) => {
                let name = Name::new(place, rights);
                name.check()?;
                Out::Waiting(name)
            }
        };
        Ok(Self { out, identity })
    }

    /// The identity of the file; `None` if several processes may write to it.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    fn out(&mut self) -> io::Result<&mut dyn Write> {
        if let Out::Waiting(name) = &self.out {
            let out = BufWriter::with_capacity(BUFFER, name.begin()?);
            match std::mem::replace(&mut self.out, Out::Done) {
                Out::Waiting(name) => self.out = Out::File(name, out),
                other => self.out = other,
            }
        }
        match &mut self.out {
            Out::Stream(out) => Ok(out),
            Out::File(_, out) => Ok(out),
            Out::Waiting(_) | Out::Done => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
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
        if let Out::File(name, out) = &mut self.out {
            // Reports a full disk now, and not after the rename.
            out.get_ref().file.sync_all()?;
            name.give(out.get_ref())?;
        }
        self.out = Out::Done;
        Ok(())
    }
}

impl Drop for Replacement {
    /// Removes an unfinished file.
    fn drop(&mut self) {
        if let Out::File(name, out) = &self.out {
            name.discard(out.get_ref()).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs};

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
