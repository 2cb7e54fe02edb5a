// SPDX-License-Identifier: MIT OR Apache-2.0
//! Directories of world-readable files.

use std::{
    io::{self, ErrorKind, Write as _},
    path::Path,
};

use rustix::{
    fs::{Mode, mkdirat},
    io::Errno,
};

use super::{Finish as _, Replacement, rights::Rights, walk::Place};

/// Creates a directory and its parents if they do not exist.
///
/// # Errors
/// If it cannot be created, is not a directory, or is reached by a link that root does not follow.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut all: Vec<_> = path.ancestors().collect();
    all.reverse();
    for folder in all.into_iter().filter(|path| !path.as_os_str().is_empty()) {
        match Place::find(folder, Rights::of_this_process()) {
            Err(error) if error.kind() == ErrorKind::IsADirectory => {}
            Err(error) => return Err(error),
            Ok(place) if place.there.is_some() => return Err(Errno::NOTDIR.into()),
            Ok(place) => {
                let made = mkdirat(&place.folder, &place.name, Mode::from_raw_mode(0o777));
                // Another process may have created it in the meantime.
                made.or_else(|error| match error {
                    Errno::EXIST => Ok(()),
                    error => Err(error),
                })?;
            }
        }
    }
    Ok(())
}

/// Writes a world-readable file, replacing an existing one.
///
/// # Errors
/// If it cannot be written.
pub fn write_public(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let rights = Rights::of_this_process().public();
    let mut file = Replacement::open_as(path, rights, "name a folder")?;
    file.write_all(bytes)?;
    file.finish()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn folders_are_made_and_may_be_there() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("a/b/c");
        make_folder(&path).expect("made");
        make_folder(&path).expect("it is there");
        symlink("b", folder.path().join("a/link")).expect("links");
        make_folder(&folder.path().join("a/link/d")).expect("made");
        assert!(folder.path().join("a/b/d").is_dir());
        write_public(&path.join("page.1"), b"text").expect("writes");
        write_public(&path.join("page.1"), b"newer").expect("writes");
        assert_eq!(
            fs::read(path.join("page.1")).expect("it is there"),
            b"newer"
        );
        assert_eq!(fs::read_dir(&path).expect("a folder").count(), 1);
        let error = make_folder(&path.join("page.1/x")).expect_err("it is a file");
        assert_eq!(error.kind(), ErrorKind::NotADirectory);
    }
}
