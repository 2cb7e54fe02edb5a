// SPDX-License-Identifier: MIT OR Apache-2.0
//! A new file that is renamed to its final name only on request. Until then it has an unguessable
//! name in the same directory.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, ErrorKind, Write},
    os::fd::AsFd as _,
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, renameat, unlinkat},
    rand::{GetRandomFlags, getrandom},
};

use super::{rights::Rights, walk::Place};

const NEW: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// Does not wait for a reader, in case it has become a pipe in the meantime.
const AS_IT_IS: OFlags = OFlags::WRONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// The final place of a file.
#[derive(Debug)]
pub struct Name {
    place: Place,
    rights: Rights,
}

/// A file that does not have its final name yet.
#[derive(Debug)]
pub struct Fresh {
    pub file: File,
    name: OsString,
}

impl Name {
    /// The name of an existing file, or of one to be created.
    pub fn new(place: Place, rights: Rights) -> Self {
        Self { place, rights }
    }

    /// Makes sure that a file can be created and take this name: creates one and removes it again,
    /// so that a killed run leaves no file.
    ///
    /// # Errors
    /// If it cannot be created, or if an existing file must not be written.
    pub fn check(&self) -> io::Result<()> {
        if self.is_taken() {
            // A file that must not be written must not be replaced either.
            self.older()?;
        }
        self.discard(&self.begin()?)
    }

    /// Whether there is an existing file.
    pub fn is_taken(&self) -> bool {
        self.place.there.is_some()
    }

    /// Opens the existing file, to be written in place.
    ///
    /// # Errors
    /// If it must not be written, or is no longer a file.
    pub fn older(&self) -> io::Result<File> {
        let place = &self.place;
        let older = openat(&place.folder, &place.name, AS_IT_IS, Mode::empty())?;
        if FileType::from_raw_mode(fstat(&older)?.st_mode) == FileType::RegularFile {
            Ok(older.into())
        } else {
            Err(io::Error::other("it was replaced by something else"))
        }
    }

    /// Creates the file.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn begin(&self) -> io::Result<Fresh> {
        let Place { folder, there, .. } = &self.place;
        let older = there.as_ref().map(|there| &there.stat);
        let mode = self.rights.mode_at_first(older);
        loop {
            let name = unguessable()?;
            match openat(folder, &name, NEW, mode) {
                Ok(file) => {
                    let file = file.into();
                    return Ok(Fresh { file, name });
                }
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives the file its final name, replacing an existing file.
    ///
    /// # Errors
    /// The kernel's error; the new file has been removed in that case.
    pub fn give(&self, fresh: &Fresh) -> io::Result<()> {
        let Place {
            folder,
            name,
            there,
        } = &self.place;
        let older = there.as_ref().map(|there| &there.stat);
        let given = fstat(folder)
            .map_err(io::Error::from)
            .and_then(|folder_is| {
                self.rights.settle(fresh.file.as_fd(), older, &folder_is)?;
                Ok(renameat(folder, &fresh.name, folder, name)?)
            });
        if given.is_err() {
            self.discard(fresh)?;
        }
        given
    }

    /// Removes a file that does not have its final name yet.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn discard(&self, fresh: &Fresh) -> io::Result<()> {
        match unlinkat(&self.place.folder, &fresh.name, AtFlags::empty()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Write for Fresh {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// 64 random bits.
fn unguessable() -> io::Result<OsString> {
    let mut random = [0_u8; 8];
    let mut filled = 0;
    while filled < random.len() {
        filled += getrandom(&mut random[filled..], GetRandomFlags::empty())?;
    }
    let number = u64::from_ne_bytes(random);
    Ok(format!(".greet-user-{number:016x}.part").into())
}
