// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which file it is, however its path is written: two outputs into one would destroy each
//! other, and an output into what is being read destroys that.

use std::{ffi::OsString, io, os::fd::AsFd, path::Path};

use rustix::fs::{FileType, Stat, fstat, stat};

use super::walk::Place;

/// A file that is there, or the name of one that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    /// Of the file, or of the folder.
    inode: u64,
    name: Option<OsString>,
}

impl Identity {
    /// Of what is open; `None` for pipes and devices, which several may write to.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn of_open_file(file: impl AsFd) -> io::Result<Option<Self>> {
        Ok(Self::of_file(&fstat(file)?))
    }

    /// Of what a path leads to; `None` for pipes and devices, and where nothing is there.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::of_file(&stat(path).ok()?)
    }

    pub(super) fn of(place: &Place) -> io::Result<Option<Self>> {
        if let Some(there) = &place.there {
            return Ok(Self::of_file(&there.stat));
        }
        let folder = fstat(&place.folder)?;
        Ok(Some(Self {
            device: folder.st_dev,
            inode: folder.st_ino,
            name: Some(place.name.clone()),
        }))
    }

    fn of_file(is: &Stat) -> Option<Self> {
        let is_file = FileType::from_raw_mode(is.st_mode) == FileType::RegularFile;
        is_file.then_some(Self {
            device: is.st_dev,
            inode: is.st_ino,
            name: None,
        })
    }
}
