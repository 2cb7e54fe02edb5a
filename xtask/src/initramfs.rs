// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine's root file system: an uncompressed cpio archive in the kernel's "newc" format
//! (kernel: Documentation/driver-api/early-userspace/buffer-format.rst).
//!
//! It is uncompressed because an emulated processor decompresses more slowly than QEMU copies.

mod add;
pub mod iproute2;
mod modules;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cpio::newc;
use xtask::mounts::hiding;

pub use self::add::{Addition, add_program_of_root};

use crate::artifacts::Programs;
use crate::debian::Debian;
use crate::kernel::Kernel;
use crate::kmod;

/// The guest directory of the greeting module, the tests and the machine's own lists.
pub const GREET: &str = "/lib/greet";
const FOLDERS: &[&str] = &[
    "/dev",
    "/proc",
    "/root",
    "/run",
    "/sys",
    "/tmp",
    "/usr/share",
    "/var/log",
    "/var/run",
];
/// Symlinks into `/usr`, as on current Debian.
const MERGED: &[&str] = &["/bin", "/lib", "/lib64", "/sbin"];
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;

/// One entry of the archive.
enum Entry {
    Folder,
    Link(PathBuf),
    File { content: Vec<u8>, mode: u32 },
}

/// A root file system under construction. A later entry replaces an earlier one at the same path.
pub struct Archive {
    entries: BTreeMap<PathBuf, Entry>,
}

impl Archive {
    /// Starts with the standard directories and the merged-`usr` symlinks.
    pub fn new() -> Self {
        let mut archive = Self {
            entries: BTreeMap::new(),
        };
        for folder in MERGED {
            let usr = Path::new("usr").join(&folder[1..]);
            archive
                .entries
                .insert(Path::new("/").join(&usr), Entry::Folder);
            archive.entries.insert(folder.into(), Entry::Link(usr));
        }
        for folder in FOLDERS {
            archive.folder(Path::new(folder));
        }
        archive
    }

    /// Adds a directory and its parents.
    pub fn folder(&mut self, path: &Path) {
        let path = resolve_merged(path);
        for folder in path.ancestors().filter(|folder| *folder != Path::new("/")) {
            self.entries
                .entry(folder.to_path_buf())
                .or_insert(Entry::Folder);
        }
    }

    /// Adds a file with this content.
    pub fn file(&mut self, path: &Path, content: Vec<u8>, mode: u32) {
        self.insert(path, Entry::File { content, mode });
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &Path, target: &Path) {
        self.insert(path, Entry::Link(target.to_path_buf()));
    }

    /// Adds a copy of a host file, with its mode.
    ///
    /// # Errors
    /// Fails if it cannot be read.
    pub fn copy(&mut self, from: &Path, to: &Path) -> Result<()> {
        let read = || -> io::Result<_> { Ok((fs::read(from)?, fs::metadata(from)?)) };
        let (content, metadata) = read().with_context(|| format!("reading {}", from.display()))?;
        self.file(to, content, metadata.permissions().mode() & 0o7777);
        Ok(())
    }

    fn insert(&mut self, path: &Path, entry: Entry) {
        let path = resolve_merged(path);
        if let Some(parent) = path.parent() {
            self.folder(parent);
        }
        self.entries.insert(path, entry);
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// Fails if the writer fails, a file is too large for the format (4 GiB), or a file would be
    /// hidden by a mount.
    pub fn write(&self, mut writer: impl Write) -> Result<()> {
        // Sorted by path, a directory precedes its contents.
        for (number, (path, entry)) in (1..).zip(&self.entries) {
            let name = path.strip_prefix("/").unwrap_or(path);
            if let (Some(mount), Entry::File { .. } | Entry::Link(_)) = (hiding(path), entry) {
                bail!(
                    "{} cannot be in the machine: PID 1 mounts {} on {}; put it elsewhere, \
                     e.g. below /tmp",
                    path.display(),
                    mount.kind,
                    mount.target
                );
            }
            let Some(name) = name.to_str() else {
                bail!("{} is not UTF-8", path.display())
            };
            let (mode, content) = match entry {
                Entry::Folder => (S_IFDIR | 0o755, &[][..]),
                Entry::Link(target) => (S_IFLNK | 0o777, target.as_os_str().as_bytes()),
                Entry::File { content, mode } => (S_IFREG | mode, content.as_slice()),
            };
            let size = u32::try_from(content.len())
                .with_context(|| format!("{} is too large for the archive", path.display()))?;
            let mut entry = newc::Builder::new(name)
                .ino(number)
                .mode(mode)
                .nlink(1)
                .write(&mut writer, size);
            entry.write_all(content)?;
            entry.finish()?;
        }
        newc::trailer(writer)?.flush()?;
        Ok(())
    }
}

/// Maps `/lib/x` to `/usr/lib/x`: the kernel cannot unpack a file through a symlink that comes
/// later in the archive.
fn resolve_merged(path: &Path) -> PathBuf {
    let merged = MERGED
        .iter()
        .find_map(|folder| Some((folder, path.strip_prefix(folder).ok()?)));
    match merged {
        Some((folder, rest)) => Path::new("/usr").join(&folder[1..]).join(rest),
        None => path.to_path_buf(),
    }
}

/// The root that every machine starts from: shell, PID 1, module, greet-user.
///
/// # Errors
/// Fails if any part of it cannot be read.
pub fn base(
    debian: &Debian,
    kernel: &Kernel,
    module: &Path,
    programs: &Programs,
) -> Result<Archive> {
    let mut archive = Archive::new();
    busybox(&mut archive, debian)?;
    archive.copy(&programs.guest_init, Path::new("/init"))?;
    archive.copy(&programs.greet_user, Path::new("/usr/bin/greet-user"))?;
    archive.copy(module, &Path::new(GREET).join(kmod::FILE))?;
    modules::add(&mut archive, debian, kernel)?;
    for (path, content) in [
        (
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
        ),
        ("/etc/group", "root:x:0:\nnogroup:x:65534:\n"),
        ("/etc/profile", "export PS1='greet-vm # '\n"),
        ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ] {
        archive.file(Path::new(path), content.into(), 0o644);
    }
    Ok(archive)
}

fn busybox(archive: &mut Archive, debian: &Debian) -> Result<()> {
    let program = debian.root.join("/usr/bin/busybox");
    archive.copy(&program, Path::new("/usr/bin/busybox"))?;
    let applets = crate::exec::capture(std::process::Command::new(&program).arg("--list"))?;
    for applet in applets.lines().filter(|applet| *applet != "busybox") {
        archive.link(&Path::new("/usr/bin").join(applet), Path::new("busybox"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(archive: &Archive) -> Vec<String> {
        let mut bytes = Vec::new();
        archive
            .write(&mut bytes)
            .expect("a vector takes everything");
        let mut names = Vec::new();
        let mut rest = bytes.as_slice();
        loop {
            let reader = newc::Reader::new(rest).expect("what was written can be read");
            if reader.entry().is_trailer() {
                return names;
            }
            names.push(reader.entry().name().to_owned());
            rest = reader.finish().expect("what was written can be read");
        }
    }

    #[test]
    fn a_folder_stands_before_what_it_holds() {
        let mut archive = Archive::new();
        archive.file(Path::new("/lib/greet/x.ko"), vec![1, 2, 3], 0o644);
        let names = names(&archive);
        let place = |name: &str| names.iter().position(|other| other == name);
        assert!(place("usr") < place("usr/lib"));
        assert!(place("usr/lib") < place("usr/lib/greet"));
        assert!(place("usr/lib/greet") < place("usr/lib/greet/x.ko"));
        assert!(place("usr/lib/greet/x.ko").is_some());
    }

    #[test]
    fn what_would_vanish_beneath_a_mount_is_refused() {
        let written = |path: &str| {
            let mut archive = Archive::new();
            archive.file(Path::new(path), Vec::new(), 0o644);
            archive.write(&mut Vec::new())
        };
        for path in ["/tmp/x", "/run/x", "/x"] {
            written(path).expect(path);
        }
        let error = written("/dev/shm/x").expect_err("devtmpfs covers it");
        assert!(
            error.to_string().contains("mounts devtmpfs on /dev"),
            "{error}"
        );
    }

    #[test]
    fn merged_folders_are_followed() {
        assert_eq!(
            resolve_merged(Path::new("/lib64/ld.so")),
            Path::new("/usr/lib64/ld.so")
        );
        assert_eq!(
            resolve_merged(Path::new("/library/x")),
            Path::new("/library/x")
        );
        assert_eq!(
            resolve_merged(Path::new("/etc/lib/x")),
            Path::new("/etc/lib/x")
        );
    }
}
