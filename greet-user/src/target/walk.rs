// SPDX-License-Identifier: MIT OR Apache-2.0
//! Resolves a path one name at a time, and keeps what it found open: renaming something along the
//! way afterwards has no effect.
//!
//! The kernel's `protected_symlinks` (proc_sys_fs(5)) keeps root from following other users' links
//! in `/tmp`, but nowhere else. Here root never follows other users' links: the owner of a
//! directory could otherwise choose which of root's files is overwritten.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Component, Path},
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC, Stat, fstat, fstatfs, openat},
    io::Errno,
};

use super::rights::Rights;

/// The number of links that the kernel follows (`MAXSYMLINKS`).
const LINKS: usize = 40;
/// To inspect, not to read; and a link itself rather than its target.
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A name in a directory, with all links resolved.
#[derive(Debug)]
pub struct Place {
    pub folder: OwnedFd,
    pub name: OsString,
    /// The file with that name; `None` if there is none.
    pub there: Option<There>,
}

/// What a path leads to.
#[derive(Debug)]
pub struct There {
    pub stat: Stat,
    /// Whether only the kernel knows its name, as with `/dev/stdout`.
    pub is_nameless: bool,
}

impl There {
    pub fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }
}

impl Place {
    /// Resolves a path to a name, which may not exist yet.
    ///
    /// # Errors
    /// If the directory does not exist, if the path is itself a directory, or if `rights` forbids a
    /// link along the way.
    pub fn find(path: &Path, rights: Rights) -> io::Result<Self> {
        let mut walk = Walk::along(path)?;
        while let Some(step) = walk.left.pop_front() {
            match step {
                Step::Root => walk.folder = openat(CWD, "/", FOLDER, Mode::empty())?,
                Step::Up => walk.folder = openat(&walk.folder, "..", FOLDER, Mode::empty())?,
                Step::Name(name) => {
                    if let Some(place) = walk.enter(name, rights)? {
                        return Ok(place);
                    }
                }
            }
        }
        Err(Errno::ISDIR.into())
    }
}

enum Step {
    Root,
    Up,
    Name(OsString),
}

struct Walk {
    folder: OwnedFd,
    left: VecDeque<Step>,
    links: usize,
}

impl Walk {
    fn along(path: &Path) -> io::Result<Self> {
        let mut walk = Self {
            folder: openat(CWD, ".", FOLDER, Mode::empty())?,
            left: VecDeque::new(),
            links: 0,
        };
        walk.insert(path)?;
        Ok(walk)
    }

    /// Puts the components of a path in front of those left.
    fn insert(&mut self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() {
            return Err(Errno::NOENT.into());
        }
        // It can only be a directory.
        if path.as_os_str().as_bytes().ends_with(b"/") && self.left.is_empty() {
            return Err(Errno::ISDIR.into());
        }
        for component in path.components().rev() {
            let step = match component {
                Component::RootDir | Component::Prefix(_) => Step::Root,
                Component::CurDir => continue,
                Component::ParentDir => Step::Up,
                Component::Normal(name) => Step::Name(name.to_owned()),
            };
            self.left.push_front(step);
        }
        Ok(())
    }

    /// Proceeds to a name; returns the place if it is the last.
    fn enter(&mut self, name: OsString, rights: Rights) -> io::Result<Option<Place>> {
        let found = match openat(&self.folder, &name, LOOK, Mode::empty()) {
            Ok(found) => found,
            Err(Errno::NOENT) if self.left.is_empty() => {
                return self.place(name, None).map(Some);
            }
            Err(error) => return Err(error.into()),
        };
        let stat = fstat(&found)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => self.follow(name, found.as_fd(), &stat, rights),
            FileType::Directory => {
                self.folder = found;
                Ok(None)
            }
            _ if self.left.is_empty() => {
                let there = There {
                    stat,
                    is_nameless: false,
                };
                self.place(name, Some(there)).map(Some)
            }
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    fn follow(
        &mut self,
        name: OsString,
        link: BorrowedFd<'_>,
        stat: &Stat,
        rights: Rights,
    ) -> io::Result<Option<Place>> {
        self.links += 1;
        if self.links > LINKS {
            return Err(Errno::LOOP.into());
        }
        rights.check_link(&name, stat)?;
        // The target of a procfs link may not be a path: `pipe:[1234]`.
        if fstatfs(link)?.f_type == PROC_SUPER_MAGIC {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let found = openat(&self.folder, &name, flags, Mode::empty())?;
            let stat = fstat(&found)?;
            let there = There {
                stat,
                is_nameless: true,
            };
            if there.kind() == FileType::Directory {
                self.folder = found;
                return Ok(None);
            }
            if !self.left.is_empty() {
                return Err(Errno::NOTDIR.into());
            }
            return self.place(name, Some(there)).map(Some);
        }
        // The target of this very link, whatever has its name by now.
        let leads_to = rustix::fs::readlinkat(link, "", Vec::new())?;
        self.insert(Path::new(OsStr::from_bytes(leads_to.to_bytes())))?;
        Ok(None)
    }

    fn place(&self, name: OsString, there: Option<There>) -> io::Result<Place> {
        Ok(Place {
            folder: self.folder.try_clone()?,
            name,
            there,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use tempfile::TempDir;

    use super::*;

    fn find(path: &Path) -> io::Result<Place> {
        Place::find(path, Rights::of_an_ordinary_user())
    }

    #[test]
    fn links_lead_on_and_may_dangle() {
        let folder = TempDir::new().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("a/b")).expect("folders");
        fs::write(path("a/b/file"), "").expect("writes");
        symlink("a/b", path("folder")).expect("links");
        symlink("../../one", path("a/b/up")).expect("links");
        symlink("folder/up", path("two")).expect("links");
        symlink(path("a/b/file"), path("one")).expect("links");
        symlink("a/none", path("none")).expect("links");
        for name in ["one", "two", "folder/up", "a/../folder/../b/./file"] {
            let place = find(&path(name)).expect(name);
            assert_eq!(place.name, "file", "{name}");
            let same = fs::metadata(path("a/b/file")).expect("it is there");
            let there = place.there.expect(name);
            assert_eq!(
                there.stat.st_ino,
                std::os::unix::fs::MetadataExt::ino(&same)
            );
        }
        let none = find(&path("none")).expect("a folder with room for it");
        assert!(none.name == "none" && none.there.is_none());
    }

    #[test]
    fn what_is_no_place_for_a_file_is_refused() {
        let folder = TempDir::new().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "").expect("writes");
        symlink("circle", path("circle")).expect("links");
        let kind = |path: &Path| find(path).map(drop).map_err(|error| error.kind());
        assert_eq!(kind(folder.path()), Err(io::ErrorKind::IsADirectory));
        assert_eq!(kind(Path::new("/")), Err(io::ErrorKind::IsADirectory));
        assert_eq!(kind(Path::new("")), Err(io::ErrorKind::NotFound));
        assert_eq!(kind(&path("new/")), Err(io::ErrorKind::IsADirectory));
        assert_eq!(kind(&path("no/file")), Err(io::ErrorKind::NotFound));
        assert_eq!(kind(&path("file/x")), Err(io::ErrorKind::NotADirectory));
        let circle = find(&path("circle")).expect_err("it never ends");
        assert_eq!(circle.raw_os_error(), Some(libc::ELOOP));
    }

    #[test]
    fn standard_output_has_no_name() {
        let place = find(Path::new("/dev/stdout")).expect("a process has it");
        assert!(place.there.expect("it is open").is_nameless);
        let null = find(Path::new("/dev/null")).expect("each machine has it");
        let there = null.there.expect("it is there");
        assert!(!there.is_nameless && there.kind() == FileType::CharacterDevice);
    }
}
