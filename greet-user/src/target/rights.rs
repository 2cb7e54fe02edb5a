// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the user of the tool may do to files that others must be protected from, and who owns a new
//! file.

use std::{env, ffi::OsStr, io, os::fd::BorrowedFd};

use rustix::{
    fs::{FileType, Gid, Mode, Stat, Uid, fchmod, fchown},
    process::geteuid,
    thread::{CapabilitySet, capabilities},
};

/// Netlink carries keys: what root records must not be readable by anyone else.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);
/// The permission bits, without set-user-ID, set-group-ID and sticky.
const PERMISSIONS: u32 = 0o777;

/// The rights of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Whether the kernel grants this process access to every file.
    is_privileged: bool,
    user: Uid,
    /// Whether the output is world-readable.
    is_public: bool,
    /// The user who ran sudo(8) (`SUDO_UID`, `SUDO_GID`).
    sudoer: Option<(Uid, Gid)>,
}

impl Rights {
    /// The rights of this process.
    pub fn of_this_process() -> Self {
        let user = geteuid();
        let overrides = || {
            let held = capabilities(None).map(|sets| sets.effective);
            held.is_ok_and(|held| held.contains(CapabilitySet::DAC_OVERRIDE))
        };
        let is_privileged = user.is_root() || overrides();
        let number = |name| env::var(name).ok()?.parse().ok();
        let sudoer = number("SUDO_UID").zip(number("SUDO_GID"));
        let sudoer = sudoer.filter(|(uid, _)| user.is_root() && *uid != 0);
        Self {
            is_privileged,
            user,
            is_public: false,
            sudoer: sudoer.map(|(uid, gid)| (Uid::from_raw(uid), Gid::from_raw(gid))),
        }
    }

    #[cfg(test)]
    pub fn of_an_ordinary_user() -> Self {
        Self {
            is_privileged: false,
            user: geteuid(),
            is_public: false,
            sudoer: None,
        }
    }

    /// The same rights for world-readable output.
    pub fn public(self) -> Self {
        Self {
            is_public: true,
            ..self
        }
    }

    /// Whether the kernel grants this process access to every file.
    pub fn is_privileged(self) -> bool {
        self.is_privileged
    }

    /// Checks that a link may be followed.
    ///
    /// # Errors
    /// If it belongs to another user, and could lead to where that user may not write.
    pub fn check_link(self, name: &OsStr, link: &Stat) -> io::Result<()> {
        let owner = Uid::from_raw(link.st_uid);
        if !self.is_privileged || owner.is_root() || owner == self.user {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "`{}` is a symbolic link of user {}, which root does not follow: name its target",
            name.display(),
            link.st_uid
        )))
    }

    /// Checks that a pipe or socket may be written to. Its owner can read what is written.
    ///
    /// # Errors
    /// If it belongs to another user.
    pub fn check_stream(self, there: &Stat) -> io::Result<()> {
        let is_pipe = matches!(
            FileType::from_raw_mode(there.st_mode),
            FileType::Fifo | FileType::Socket
        );
        let owner = Uid::from_raw(there.st_uid);
        let is_own = owner == self.user || self.is_sudoer(owner) || owner.is_root();
        if !self.is_privileged || !is_pipe || is_own {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "it is a pipe of user {}, who could read what only root may see",
            there.st_uid
        )))
    }

    /// The mode to create a file with, before its final owner and permissions are set.
    pub fn mode_at_first(self, older: Option<&Stat>) -> Mode {
        match older {
            None if !self.is_private() => Mode::from_raw_mode(0o666),
            _ => PRIVATE,
        }
    }

    /// Sets the owner and permissions of a new file in `folder`, which may replace an `older` one.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn settle(
        self,
        file: BorrowedFd<'_>,
        older: Option<&Stat>,
        folder: &Stat,
    ) -> io::Result<()> {
        if let Some((user, group)) = self.sudoer
            && self.is_for_sudoer(older, folder)
        {
            fchown(file, Some(user), Some(group))?;
        }
        match older {
            _ if self.is_private() => fchmod(file, PRIVATE)?,
            Some(older) => fchmod(file, Mode::from_raw_mode(older.st_mode & PERMISSIONS))?,
            None => {}
        }
        Ok(())
    }

    fn is_private(self) -> bool {
        self.is_privileged && !self.is_public
    }

    /// Whether the file is one that the sudo user could have created there, or did create: root's
    /// own files, say in `/etc`, must not become the user's.
    fn is_for_sudoer(self, older: Option<&Stat>, folder: &Stat) -> bool {
        let all_may_write = folder.st_mode & 0o1002 == 0o1002;
        match older {
            Some(older) => self.is_sudoer(Uid::from_raw(older.st_uid)),
            None => self.is_sudoer(Uid::from_raw(folder.st_uid)) || all_may_write,
        }
    }

    fn is_sudoer(self, user: Uid) -> bool {
        self.sudoer.is_some_and(|(sudoer, _)| sudoer == user)
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::stat;

    use super::*;

    const ROOT: Rights = Rights {
        is_privileged: true,
        user: Uid::ROOT,
        is_public: false,
        sudoer: None,
    };

    fn of(user: u32, mode: u32) -> Stat {
        let mut found = stat("/").expect("it is there");
        (found.st_uid, found.st_mode) = (user, mode);
        found
    }

    #[test]
    fn root_follows_no_link_of_others() {
        let link = |user| of(user, 0o120_777);
        assert!(ROOT.check_link(OsStr::new("x"), &link(0)).is_ok());
        let refused = ROOT.check_link(OsStr::new("x"), &link(1000));
        let said = refused.expect_err("it is another user's").to_string();
        assert!(said.contains("user 1000"), "{said}");
        let user = Rights::of_an_ordinary_user();
        assert!(user.check_link(OsStr::new("x"), &link(1)).is_ok());
    }

    #[test]
    fn a_file_is_the_sudoers_where_it_could_have_been() {
        let sudo = Rights {
            sudoer: Some((Uid::from_raw(1000), Gid::from_raw(1000))),
            ..ROOT
        };
        let (home, etc, tmp) = (of(1000, 0o40_755), of(0, 0o40_755), of(0, 0o41_777));
        let (own, other) = (of(1000, 0o100_644), of(0, 0o100_644));
        for (older, folder, is_theirs) in [
            (None, &home, true),
            (None, &etc, false),
            (None, &tmp, true),
            (Some(&own), &etc, true),
            (Some(&other), &home, false),
        ] {
            assert_eq!(sudo.is_for_sudoer(older, folder), is_theirs, "{older:?}");
        }
    }

    #[test]
    fn root_writes_into_no_pipe_of_others() {
        assert!(ROOT.check_stream(&of(1000, 0o010_666)).is_err());
        assert!(ROOT.check_stream(&of(0, 0o010_666)).is_ok());
        assert!(
            ROOT.check_stream(&of(1000, 0o020_620)).is_ok(),
            "a terminal"
        );
    }
}
