// SPDX-License-Identifier: MIT OR Apache-2.0
//! A new file that takes a name only when it is told to: until then it has one that nobody can
//! guess, in the same folder.

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
/// Without waiting for a reader, should it have become a pipe meanwhile.
const AS_IT_IS: OFlags = OFlags::WRONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// Where a file will be.
#[derive(Debug)]
pub struct Name {
    place: Place,
    rights: Rights,
}

/// A file on its way there.
#[derive(Debug)]
pub struct Fresh {
    pub file: File,
    name: OsString,
}

impl Name {
    /// Of a file that is there, or of one that is to be made.
    pub fn new(place: Place, rights: Rights) -> Self {
        Self { place, rights }
    }

    /// Makes sure that a file can be made and take this name: that is tried, and the file is
    /// taken away again, so that a run that is killed leaves nothing behind.
    ///
    /// # Errors
    /// Where it cannot, and where an older file must not be written.
    pub fn check(&self) -> io::Result<()> {
        if self.is_taken() {
            // What must not be written must not be replaced either.
            self.older()?;
        }
        self.discard(&self.begin()?)
    }

    /// Is there an older file?
    pub fn is_taken(&self) -> bool {
        self.place.there.is_some()
    }

    /// The older file, to be written where it lies.
    ///
    /// # Errors
    /// Where it must not be written, or is no file any more.
    pub fn older(&self) -> io::Result<File> {
        let place = &self.place;
        let older = openat(&place.folder, &place.name, AS_IT_IS, Mode::empty())?;
        if FileType::from_raw_mode(fstat(&older)?.st_mode) == FileType::RegularFile {
            Ok(older.into())
        } else {
            Err(io::Error::other("it was replaced by something else"))
        }
    }

    /// Makes the file.
    ///
    /// # Errors
    /// What the kernel says.
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

    /// Gives the file its name, in place of an older one.
    ///
    /// # Errors
    /// What the kernel says; the file is gone then.
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

    /// Takes a file away that has not got its name.
    ///
    /// # Errors
    /// What the kernel says.
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
