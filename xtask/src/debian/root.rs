// SPDX-License-Identifier: MIT OR Apache-2.0
//! The private root: unpacked packages, and programs run inside it.
//!
//! Packages' installation scripts are not run. Compilers run in a mount
//! namespace of their own, so that nothing stays mounted however they end.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::exec;
use crate::progress::Step;

/// What packages take for granted: Debian's "essential" ones that builds really use.
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

/// Merged into `usr/` in every Debian of today.
const MERGED: &[&str] = &["bin", "lib", "lib64", "sbin"];

/// Runs in the new mount namespace: `$0` is the root, the rest is the command.
const ENTER: &str = "mount --rbind /dev \"$0/dev\" && mount -t proc proc \"$0/proc\" && \
                     exec chroot \"$0\" \"$@\"";

/// A folder with unpacked packages.
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// Opens it, and lays it out where it is new.
    ///
    /// # Errors
    /// Where it cannot be written.
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
        // No package brings it, and programs look for `localhost` in it.
        let hosts = path.join("etc/hosts");
        if !hosts.is_file() {
            fs::create_dir_all(path.join("etc"))?;
            fs::write(hosts, "127.0.0.1 localhost\n::1 localhost\n")?;
        }
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside, given as programs inside see it.
    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        self.path.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Whether a package and all it needs were unpacked earlier.
    pub fn has(&self, package: &str) -> bool {
        self.notes().join(package).is_file()
    }

    /// Remembers that packages and all they need are unpacked.
    ///
    /// # Errors
    /// Where it cannot be written down.
    pub fn note(&self, packages: &[String]) -> Result<()> {
        packages
            .iter()
            .try_for_each(|package| Ok(fs::write(self.notes().join(package), "")?))
    }

    fn notes(&self) -> PathBuf {
        self.path.join("var/lib/greet")
    }

    /// Unpacks archives that were not unpacked before, and says how many.
    ///
    /// # Errors
    /// Names the archive that could not be unpacked.
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
        // Alternatives are made by installation scripts, which are not run.
        let awk = self.join("/usr/bin/awk");
        if self.join("/usr/bin/mawk").is_file() && !awk.is_symlink() {
            symlink("mawk", awk)?;
        }
        Ok(count)
    }

    /// A command that runs inside the root, as root there, with `/proc` and `/dev`.
    pub fn enter(&self, program: &str) -> Command {
        self.enter_by(ENTER, program)
    }

    /// The same; a folder of this machine is there as well, under the same path.
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

    /// A command that runs a program of the root outside of it, with the root's own libraries.
    ///
    /// # Errors
    /// Where the root has no dynamic linker yet.
    pub fn borrow(&self, program: &str) -> Result<Command> {
        let mut command = self.linker()?;
        command.arg(self.join(program));
        Ok(command)
    }

    /// What ldd says of a program of the root, had it run inside.
    ///
    /// # Errors
    /// Where the root has no dynamic linker yet, or the program is not dynamically linked.
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

    /// Fails early where this machine does not let an ordinary user enter the root.
    ///
    /// # Errors
    /// Says what the administrator can do.
    pub fn check_enter(&self) -> Result<()> {
        exec::capture(self.enter("/usr/bin/true").stdin(Stdio::null())).map(drop).context(
            "this machine lets you build no kernel module in a private root: run the same as root, \
             or let users have namespaces (`sudo sysctl kernel.unprivileged_userns_clone=1`)",
        )
    }
}

/// Unpacks one archive; folders that are links in the root stay links.
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
