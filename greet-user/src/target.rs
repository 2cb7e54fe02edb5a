// SPDX-License-Identifier: MIT OR Apache-2.0
//! Output files: recordings, captures, reports and manual pages. They are opened before the run
//! starts, and written by rules that hold even if others may write to the same directory.
//!
//! A file is never overwritten in place: a new one with an unguessable name is renamed over it, at
//! the first byte ([`Target`]) or at the end ([`Replacement`]). Symbolic links are followed to the
//! file, including dangling ones; root follows only its own. A file written by root is readable by
//! root only (mode 0600), or belongs to the user who ran sudo(8) if that user could have created
//! it.

mod folder;
mod fresh;
mod identity;
mod replacement;
mod rights;
mod walk;

pub use folder::{make_folder, write_public};
pub use identity::Identity;
pub use replacement::Replacement;

use std::{
    fs::File,
    io::{self, IsTerminal as _, Write},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{FileType, Mode, OFlags, fstat, openat},
    io::Errno,
};

use fresh::Name;
use rights::Rights;
use walk::Place;

/// An output that is complete or not there at all: nothing is in place before it is finished.
pub trait Finish: Write {
    /// After the last byte: puts it where it belongs.
    ///
    /// # Errors
    /// What writing ran into.
    fn finish(&mut self) -> io::Result<()>;
}

/// A file or standard output. An existing file keeps its contents until the first byte is written:
/// a run that cannot start does not destroy an older file.
#[derive(Debug)]
pub struct Target {
    out: Out,
    identity: Option<Identity>,
}

#[derive(Debug)]
enum Out {
    /// A file yet to be created.
    Waiting(Name),
    /// An existing file that is truncated and written in place.
    Older(File),
    /// An open file, pipe or device.
    File(File),
    Stdout(io::Stdout),
}

/// What a path leads to.
enum Found {
    Stdout(io::Stdout),
    /// A pipe, a device, or a file without a name.
    Stream(File),
    /// The name of a file, which may not exist yet.
    File(Place),
}

fn find(
    path: &Path,
    rights: Rights,
    not_for_a_terminal: &'static str,
) -> io::Result<(Found, Option<Identity>)> {
    if path == Path::new("-") {
        let stdout = io::stdout();
        if stdout.is_terminal() {
            return Err(io::Error::other(not_for_a_terminal));
        }
        let identity = Identity::of_open_file(&stdout)?;
        return Ok((Found::Stdout(stdout), identity));
    }
    let place = Place::find(path, rights)?;
    let identity = Identity::of(&place)?;
    let found = match &place.there {
        Some(there) if there.is_nameless || there.kind() != FileType::RegularFile => {
            rights.check_stream(&there.stat)?;
            Found::Stream(stream(&place)?)
        }
        Some(_) | None => Found::File(place),
    };
    Ok((found, identity))
}

/// Opens an existing file.
fn stream(place: &Place) -> io::Result<File> {
    let there = place.there.as_ref().ok_or(io::ErrorKind::NotFound)?;
    let mut how = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
    how.set(OFlags::NOFOLLOW, !there.is_nameless);
    let opened: OwnedFd = openat(&place.folder, &place.name, how, Mode::empty())?;
    let is = fstat(&opened)?;
    if (is.st_dev, is.st_ino) == (there.stat.st_dev, there.stat.st_ino) {
        Ok(opened.into())
    } else {
        Err(io::Error::other("it was replaced by something else"))
    }
}

impl Target {
    /// Opens the file, or standard output if the path is `-`. `not_for_a_terminal` is the error
    /// message if that is a terminal.
    ///
    /// # Errors
    /// If it cannot be opened for writing, or is a terminal.
    pub fn open(path: &Path, not_for_a_terminal: &'static str) -> io::Result<Self> {
        let rights = Rights::of_this_process();
        let (found, identity) = find(path, rights, not_for_a_terminal)?;
        let out = match found {
            Found::Stdout(stdout) => Out::Stdout(stdout),
            Found::Stream(file) if file.metadata()?.is_file() => Out::Older(file),
            Found::Stream(file) => Out::File(file),
            Found::File(place) => waiting(place, rights)?,
        };
        Ok(Self { out, identity })
    }

    /// The identity of the file; `None` if several processes may write to it.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Creates or truncates the file when the first byte is written.
    fn begin(&mut self) -> io::Result<()> {
        let file = match &self.out {
            Out::Waiting(name) => {
                let fresh = name.begin()?;
                name.give(&fresh)?;
                fresh.file
            }
            Out::Older(file) => {
                file.set_len(0)?;
                file.try_clone()?
            }
            Out::File(_) | Out::Stdout(_) => return Ok(()),
        };
        self.out = Out::File(file);
        Ok(())
    }
}

/// A file to be created or, in a directory where this user may not create one, an existing file to
/// be written in place: a user who is not root cannot harm anyone else that way.
fn waiting(place: Place, rights: Rights) -> io::Result<Out> {
    let name = Name::new(place, rights);
    match name.check() {
        Ok(()) => Ok(Out::Waiting(name)),
        Err(error) if is_closed(&error) && name.is_taken() && !rights.is_privileged() => {
            name.older().map(Out::Older)
        }
        Err(error) => Err(error),
    }
}

/// Whether no file can be created in the directory.
fn is_closed(error: &io::Error) -> bool {
    let closed = [Errno::ACCESS, Errno::PERM, Errno::ROFS];
    closed
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begin()?;
        match &mut self.out {
            Out::File(file) | Out::Older(file) => file.write(bytes),
            Out::Stdout(stdout) => stdout.write(bytes),
            Out::Waiting(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::File(file) | Out::Older(file) => file.flush(),
            Out::Stdout(stdout) => stdout.flush(),
            Out::Waiting(_) => Ok(()),
        }
    }
}
