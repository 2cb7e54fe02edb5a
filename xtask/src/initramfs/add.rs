// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--add HOST[:GUEST]`: additional files for the machine.
//!
//! A directory is added as is; a dynamically linked program brings its libraries along.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

use super::Archive;
use crate::debian::Root;
use crate::exec;

const ELF: &[u8] = b"\x7fELF";
/// The dynamic linker; ldd runs its `--list`.
const LINKER: &str = "/lib64/ld-linux-x86-64.so.2";

/// A host file or directory, and its path in the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    host: PathBuf,
    guest: Option<PathBuf>,
}

impl FromStr for Addition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, guest) = match text.rsplit_once(':') {
            Some((host, guest)) => (host, Some(PathBuf::from(guest))),
            None => (text, None),
        };
        if host.is_empty() {
            return Err("HOST is empty: name a file or directory of this machine".into());
        }
        if guest.as_deref().is_some_and(|guest| !guest.is_absolute()) {
            return Err("GUEST must be an absolute path, such as /usr/bin/strace".into());
        }
        Ok(Self {
            host: host.into(),
            guest,
        })
    }
}

impl Addition {
    /// A file or directory, and its destination.
    pub fn new(host: PathBuf, guest: PathBuf) -> Self {
        Self {
            host,
            guest: Some(guest),
        }
    }

    /// Adds it to the archive.
    ///
    /// # Errors
    /// Fails if it cannot be read, or one of its libraries cannot be found.
    pub fn add_to(&self, archive: &mut Archive) -> Result<()> {
        let metadata = fs::metadata(&self.host)
            .with_context(|| format!("--add {}: cannot read it", self.host.display()))?;
        let guest = match &self.guest {
            Some(guest) => guest.clone(),
            None => default_place(&self.host, is_program(&metadata))?,
        };
        if metadata.is_dir() {
            add_folder(archive, &self.host, &guest)
        } else {
            add_file(archive, &self.host, &guest)
        }
    }
}

/// Programs go into the shell's search path, everything else into the root directory.
fn default_place(host: &Path, is_program: bool) -> Result<PathBuf> {
    let name = match host.file_name() {
        Some(name) => name.to_owned(),
        None => fs::canonicalize(host)?
            .file_name()
            .map(ToOwned::to_owned)
            .unwrap_or_default(),
    };
    Ok(Path::new(if is_program { "/usr/bin" } else { "/" }).join(name))
}

fn is_program(metadata: &fs::Metadata) -> bool {
    metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
}

fn add_folder(archive: &mut Archive, host: &Path, guest: &Path) -> Result<()> {
    archive.folder(guest);
    for entry in fs::read_dir(host).with_context(|| format!("reading {}", host.display()))? {
        let entry = entry?;
        let (host, guest) = (entry.path(), guest.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            add_folder(archive, &host, &guest)?;
        } else if kind.is_symlink() {
            archive.link(&guest, &fs::read_link(&host)?);
        } else if kind.is_file() {
            archive.copy(&host, &guest)?;
        }
    }
    Ok(())
}

fn add_file(archive: &mut Archive, host: &Path, guest: &Path) -> Result<()> {
    archive.copy(host, guest)?;
    if !fs::read(host)?.starts_with(ELF) {
        return Ok(());
    }
    // ldd fails for a static program, which needs no libraries.
    let Ok(libraries) = exec::capture(Command::new("ldd").arg(host)) else {
        return Ok(());
    };
    for line in libraries.lines() {
        match library_path(line) {
            Ok(Some(path)) => archive.copy(path, path)?,
            Ok(None) => {}
            Err(name) => bail!("--add {}: its library {name} is not here", host.display()),
        }
    }
    Ok(())
}

/// Adds a program of the private root to the archive, along with its libraries, all from that root.
///
/// # Errors
/// Fails if the program or one of its libraries does not exist.
pub fn add_program_of_root(archive: &mut Archive, root: &Root, program: &Path) -> Result<()> {
    archive.copy(&root.join(program), program)?;
    // Run inside the root: the host's libraries may be older.
    let listed = exec::capture(root.enter(LINKER).arg("--list").arg(program))?;
    archive.copy(&root.join(LINKER), Path::new(LINKER))?;
    for line in listed.lines() {
        match library_path(line) {
            Ok(Some(path)) => archive.copy(&root.join(path), path)?,
            Ok(None) => {}
            Err(name) => bail!("{}: its library {name} is not here", program.display()),
        }
    }
    Ok(())
}

/// The library's path in a line of ldd output: `NAME => PATH (ADDRESS)` or `PATH (ADDRESS)`. An
/// error is the name of a library that ldd did not find.
pub(super) fn library_path(line: &str) -> Result<Option<&Path>, &str> {
    let line = line.trim();
    if let Some(name) = line.strip_suffix(" => not found") {
        return Err(name);
    }
    let path = line.split_once(" => ").map_or(line, |(_, path)| path);
    let path = path.split_once(" (").map_or(path, |(path, _)| path);
    Ok(path.starts_with('/').then(|| Path::new(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_guest_are_told_apart() {
        let both: Addition = "target/x:/opt/x".parse().expect("both paths");
        assert_eq!(both, Addition::new("target/x".into(), "/opt/x".into()));
        let one: Addition = "/usr/bin/strace".parse().expect("one path");
        assert_eq!(
            one,
            Addition {
                host: "/usr/bin/strace".into(),
                guest: None
            }
        );
        assert!("x:relative".parse::<Addition>().is_err());
        assert!(":/x".parse::<Addition>().is_err());
    }

    #[test]
    fn ldds_lines_are_read() {
        let path = |line| library_path(line).expect("a library");
        assert_eq!(
            path("\tlibc.so.6 => /lib/libc.so.6 (0x7f)"),
            Some(Path::new("/lib/libc.so.6"))
        );
        assert_eq!(
            path("\t/lib64/ld-linux.so.2 (0x7f)"),
            Some(Path::new("/lib64/ld-linux.so.2"))
        );
        assert_eq!(path("\tlinux-vdso.so.1 (0x7f)"), None);
        assert_eq!(library_path("\tlibx.so => not found"), Err("libx.so"));
    }

    #[test]
    fn a_program_brings_its_libraries() {
        let mut archive = Archive::new();
        let shell = Addition::new("/bin/sh".into(), "/opt/sh".into());
        shell
            .add_to(&mut archive)
            .expect("this machine has a shell");
        let mut bytes = Vec::new();
        archive
            .write(&mut bytes)
            .expect("a vector takes everything");
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("opt/sh") && text.contains("libc.so.6"));
    }
}
