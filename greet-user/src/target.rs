// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where recordings, captures, reports and manual pages go to: opened before the run begins, and
//! written by these rules, whoever else may write in the same folder.
//!
//! A file is never written where it lies: a new one, of a name that nobody can guess, takes its
//! name, at the first byte ([`Target`]) or at the end ([`Replacement`]). Links are followed up to
//! the file, dangling ones too; by root, only root's own. What root writes is for root alone
//! (mode 0600), or belongs to the user behind sudo(8) where that user could have made it.

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

/// A file or standard output. A file keeps what it has until the first byte is written: a
/// run that cannot begin does not cost an older file.
#[derive(Debug)]
pub struct Target {
    out: Out,
    identity: Option<Identity>,
}

#[derive(Debug)]
enum Out {
    /// A file that is to be made.
    Waiting(Name),
    /// One that is written where it lies, and loses what it had.
    Older(File),
    /// A file, a pipe or a device.
    File(File),
    Stdout(io::Stdout),
}

/// What a path leads to.
enum Found {
    Stdout(io::Stdout),
    /// A pipe or a device, or a file that has no name.
    Stream(File),
    /// The name of a file, which need not be there yet.
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

/// Opens what is there already.
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
    /// Opens the file, or standard output where the path is `-`. `not_for_a_terminal` says
    /// what to do where that is one.
    ///
    /// # Errors
    /// Where it cannot be opened for writing, or is a terminal.
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

    /// What it leads to; `None` where that may be written by several.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// At the first byte.
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

/// A file that is to be made, or, in a folder where this user may make none, an older one
/// where it lies: a user who is not root can harm nobody else by that.
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

/// Can nothing be made in the folder?
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
