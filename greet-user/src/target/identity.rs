// SPDX-License-Identifier: MIT OR Apache-2.0
//! The identity of a file, however its path is spelled: two outputs to the same file would
//! overwrite each other, and an output to the file being read would overwrite that.

use std::{ffi::OsString, io, os::fd::AsFd, path::Path};

use rustix::fs::{FileType, Stat, fstat, stat};

use super::walk::Place;

/// An existing file, or the name of one to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    /// Inode number of the file, or of the directory.
    inode: u64,
    name: Option<OsString>,
}

impl Identity {
    /// The identity of an open file; `None` for pipes and devices, which several processes may
    /// write to.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn of_open_file(file: impl AsFd) -> io::Result<Option<Self>> {
        Ok(Self::of_file(&fstat(file)?))
    }

    /// The identity of the file at a path; `None` for pipes and devices, and if there is none.
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
