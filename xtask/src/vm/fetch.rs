// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that are copied out of the machine after its command has ended.
//!
//! Each is written to a temporary file next to its destination and renamed when complete: an older
//! file survives until then, and there is never a partial one.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::NamedTempFile;

use crate::progress::say;

/// A guest file, and its destination on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    guest: String,
    host: PathBuf,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((guest, host)) if guest.starts_with('/') && !host.is_empty() => {
                Ok(Self::new(guest, Path::new(host)))
            }
            _ => Err("expected GUEST:HOST, such as /tmp/run.greet:run.greet".into()),
        }
    }
}

impl Wanted {
    /// A guest file, and its destination.
    pub fn new(guest: &str, host: &Path) -> Self {
        Self {
            guest: guest.to_owned(),
            host: host.to_path_buf(),
        }
    }
}

/// The files of one run.
#[derive(Default)]
pub struct Fetch(Vec<Coming>);

struct Coming {
    wanted: Wanted,
    part: NamedTempFile,
    is_whole: bool,
}

impl Fetch {
    /// Creates the temporary files.
    ///
    /// # Errors
    /// The error names a destination that cannot be written; nothing has been booted at that point.
    pub fn of(wanted: &[Wanted]) -> Result<Self> {
        wanted
            .iter()
            .cloned()
            .map(Coming::at)
            .collect::<Result<_>>()
            .map(Self)
    }

    /// The guest paths, in order.
    pub fn guest_paths(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|coming| coming.wanted.guest.clone())
            .collect()
    }

    /// Takes part of a file; an empty part ends it.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn part(&mut self, file: u32, bytes: &[u8]) -> Result<()> {
        let at = usize::try_from(file).unwrap_or(usize::MAX);
        let Some(coming) = self.0.get_mut(at) else {
            bail!("the machine sent a file that was not requested")
        };
        coming.is_whole = bytes.is_empty();
        let written = coming.part.write_all(bytes);
        written.with_context(|| format!("writing {}", coming.wanted.host.display()))
    }

    /// Moves the complete files into place. Returns the command's exit status.
    ///
    /// # Errors
    /// The error names a destination that cannot be written, or a file that the machine did not
    /// have although its command succeeded.
    pub fn finish(self, status: u8) -> Result<u8> {
        let mut missing = Vec::new();
        for Coming {
            wanted,
            part,
            is_whole,
        } in self.0
        {
            if !is_whole {
                missing.push(wanted.guest);
                continue;
            }
            let place = &wanted.host;
            let placed = part.persist(place);
            placed.with_context(|| format!("writing {}", place.display()))?;
        }
        let has_all = missing.is_empty();
        let error = || anyhow!("the machine has no {}", missing.join(", "));
        match status {
            0 if !has_all => return Err(error()),
            _ if !has_all => say(&format!("{}", error())),
            _ => {}
        }
        Ok(status)
    }
}

impl Coming {
    fn at(wanted: Wanted) -> Result<Self> {
        let host = &wanted.host;
        let failed = || format!("{} cannot be written", host.display());
        if host.is_dir() {
            bail!("{}: it is a folder; name a file in it", failed())
        }
        let parent = host
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        fs::create_dir_all(parent).with_context(failed)?;
        let part = tempfile::Builder::new()
            .prefix(".fetched-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(parent)
            .with_context(failed)?;
        Ok(Self {
            wanted,
            part,
            is_whole: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_its_place_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = |name: &str| folder.path().join(name);
        fs::write(place("half"), "older").expect("a file");
        let wanted = ["whole", "half"].map(|name| Wanted::new("/tmp/x", &place(name)));
        let mut fetch = Fetch::of(&wanted).expect("both can be written");
        for (file, bytes) in [(0, &b"two "[..]), (0, b"parts"), (1, b"one"), (0, b"")] {
            fetch.part(file, bytes).expect("it was asked for");
        }
        fetch.part(2, b"").expect_err("nobody asked for it");
        let error = fetch.finish(0).expect_err("one is not whole");
        assert_eq!(error.to_string(), "the machine has no /tmp/x");
        let read = |name| fs::read_to_string(place(name)).expect("it is there");
        assert_eq!(
            (read("whole").as_str(), read("half").as_str()),
            ("two parts", "older")
        );
        let left = fs::read_dir(folder.path()).expect("the folder is there");
        assert_eq!(left.count(), 2, "nothing else is left");
    }

    #[test]
    fn a_place_that_cannot_be_is_told_before() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = Fetch::of(&[Wanted::new("/tmp/x", folder.path())]).err();
        let error = error.expect("a folder is no file").to_string();
        assert!(
            error.ends_with("it is a folder; name a file in it"),
            "{error}"
        );
    }

    #[test]
    fn both_ends_have_to_be_named() {
        assert_eq!("/a:b".parse(), Ok(Wanted::new("/a", Path::new("b"))));
        for text in ["/a", "a:b", "/a:", ""] {
            text.parse::<Wanted>().expect_err(text);
        }
    }
}
