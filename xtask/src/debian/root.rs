// SPDX-License-Identifier: MIT OR Apache-2.0
//! The private root: unpacked packages, and programs that run inside it.
//!
//! Packages' maintainer scripts are not run. Compilers run in a mount namespace of their own, so
//! that no mount outlives them, however they exit.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::exec;
use crate::progress::Step;

/// The "essential" Debian packages that builds actually use; other packages do not declare them.
pub const ESSENTIAL: &[&str] = &[
    "coreutils",
    "dash",
    "diffutils",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "mawk",
    "perl",
    "sed",
    "xz-utils",
];

/// Directories merged into `usr/` on current Debian.
const MERGED: &[&str] = &["bin", "lib", "lib64", "sbin"];

/// Runs in the new mount namespace: `$0` is the root, the remaining arguments are the command.
const ENTER: &str = "mount --rbind /dev \"$0/dev\" && mount -t proc proc \"$0/proc\" && \
                     exec chroot \"$0\" \"$@\"";

/// A directory of unpacked packages.
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// Opens it, creating the layout if it is new.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        for folder in ["dev", "proc", "tmp", "build", "var/lib/greet"] {
            fs::create_dir_all(path.join(folder))?;
        }
        for name in MERGED {
            fs::create_dir_all(path.join("usr").join(name))?;
            let link = path.join(name);
            if !link.is_symlink() {
                symlink(Path::new("usr").join(name), &link)?;
            }
        }
        // No package ships it, and programs resolve `localhost` through it.
        let hosts = path.join("etc/hosts");
        if !hosts.is_file() {
            fs::create_dir_all(path.join("etc"))?;
            fs::write(hosts, "127.0.0.1 localhost\n::1 localhost\n")?;
        }
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// The root directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The host path of a path inside the root.
    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        self.path.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Whether a package and all its dependencies have been unpacked.
    pub fn has(&self, package: &str) -> bool {
        self.notes().join(package).is_file()
    }

    /// Records that packages and all their dependencies are unpacked.
    ///
    /// # Errors
    /// Fails if the record cannot be written.
    pub fn note(&self, packages: &[String]) -> Result<()> {
        packages
            .iter()
            .try_for_each(|package| Ok(fs::write(self.notes().join(package), "")?))
    }

    fn notes(&self) -> PathBuf {
        self.path.join("var/lib/greet")
    }

    /// Unpacks archives that have not been unpacked yet, and returns their number.
    ///
    /// # Errors
    /// The error names the archive that could not be unpacked.
    pub fn unpack(&self, archives: &[PathBuf], step: &Step) -> Result<usize> {
        let mut count = 0;
        for archive in archives {
            let name = archive
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let note = self.notes().join(name);
            if note.is_file() {
                continue;
            }
            step.line(name);
            unpack_archive(archive, &self.path)?;
            fs::write(note, "")?;
            count += 1;
        }
        // Alternatives are set up by maintainer scripts, which are not run.
        let awk = self.join("/usr/bin/awk");
        if self.join("/usr/bin/mawk").is_file() && !awk.is_symlink() {
            symlink("mawk", awk)?;
        }
        Ok(count)
    }

    /// A command that runs inside the root, as root, with `/proc` and `/dev`.
    pub fn enter(&self, program: &str) -> Command {
        self.enter_by(ENTER, program)
    }

    /// The same, with a host directory mounted at the same path.
    pub fn enter_sharing(&self, program: &str, folder: &Path) -> Command {
        let folder = folder.display();
        self.enter_by(
            &format!("mount --rbind '{folder}' \"$0{folder}\" && {ENTER}"),
            program,
        )
    }

    fn enter_by(&self, script: &str, program: &str) -> Command {
        let mut command = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            script,
        ]);
        command.arg(&self.path).arg(program);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C");
        command
    }

    /// A command that runs one of the root's programs outside the root, with the root's libraries.
    ///
    /// # Errors
    /// Fails if the root has no dynamic linker yet.
    pub fn borrow(&self, program: &str) -> Result<Command> {
        let mut command = self.linker()?;
        command.arg(self.join(program));
        Ok(command)
    }

    /// The output of ldd for one of the root's programs, as if run inside.
    ///
    /// # Errors
    /// Fails if the root has no dynamic linker yet, or the program is not dynamically linked.
    pub fn ldd(&self, program: &str) -> Result<String> {
        exec::capture(self.linker()?.arg("--list").arg(self.join(program)))
    }

    fn linker(&self) -> Result<Command> {
        let linker = self.join("/usr/lib64/ld-linux-x86-64.so.2");
        if !linker.exists() {
            bail!(
                "{} holds no C library: run `cargo xtask setup`",
                self.path.display()
            );
        }
        let mut command = Command::new(linker);
        command
            .arg("--library-path")
            .arg(self.join("/usr/lib/x86_64-linux-gnu"));
        Ok(command)
    }

    /// Fails early if the host does not let an unprivileged user enter the root.
    ///
    /// # Errors
    /// The error says what the administrator can do.
    pub fn check_enter(&self) -> Result<()> {
        exec::capture(self.enter("/usr/bin/true").stdin(Stdio::null()))
            .map(drop)
            .context(
                "you cannot build a kernel module in a private root here: run the same command as \
             root, or enable unprivileged user namespaces \
             (`sudo sysctl kernel.unprivileged_userns_clone=1`)",
            )
    }
}

/// Unpacks one archive; directories that are symlinks in the root stay symlinks.
pub fn unpack_archive(archive: &Path, into: &Path) -> Result<()> {
    let failed = || format!("unpacking {}", archive.display());
    let mut dpkg = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(archive)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(failed)?;
    let tar = dpkg.stdout.take().with_context(failed)?;
    let status = Command::new("tar")
        .args([
            "--extract",
            "--keep-directory-symlink",
            "--no-same-owner",
            "--directory",
        ])
        .arg(into)
        .stdin(tar)
        .status()
        .with_context(failed)?;
    if !status.success() || !dpkg.wait()?.success() {
        bail!("{}: dpkg-deb or tar failed", failed());
    }
    Ok(())
}
