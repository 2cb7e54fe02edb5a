// SPDX-License-Identifier: MIT OR Apache-2.0
//! A terminal of any size for a program, and the program's output to it.

use std::{
    fs::File,
    io::{ErrorKind, Read as _, Write as _},
    os::{
        fd::{FromRawFd as _, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{Child, Command, Stdio},
    ptr,
};

use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

/// A pseudo-terminal: our end and the program's.
pub struct Pty {
    ours: File,
    theirs: File,
    /// All output so far.
    pub written: Vec<u8>,
}

impl Pty {
    /// Opens one of this size.
    pub fn open(columns: u16, rows: u16) -> Self {
        let (mut ours, mut theirs) = (-1, -1);
        let (name, settings, size) = (ptr::null_mut(), ptr::null(), ptr::null());
        #[expect(unsafe_code, reason = "there is no safe way to open one")]
        // SAFETY: both are written before they are used; no name, termios or size is passed.
        let done = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, name, settings, size) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        #[expect(unsafe_code, reason = "the descriptors are ours from now on")]
        // SAFETY: they were just opened and have no other owner.
        let (ours, theirs) = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
        rustix::io::ioctl_fionbio(&ours, true).expect("can be told not to wait");
        for fd in [&ours, &theirs] {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC).expect("nobody inherits it");
        }
        let pty = Self {
            ours: ours.into(),
            theirs: theirs.into(),
            written: Vec::new(),
        };
        pty.resize(columns, rows);
        pty
    }

    /// Resizes it.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.ours, size).expect("has a size");
    }

    /// Starts a program on it, as the leader of a new session.
    pub fn start(&self, command: &mut Command) -> Child {
        let end = || Stdio::from(self.theirs.try_clone().expect("can be shared"));
        command.stdin(end()).stdout(end()).stderr(end());
        command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        #[expect(unsafe_code, reason = "a terminal is taken between fork and exec")]
        // SAFETY: both are system calls that are allowed between fork and exec.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                match libc::ioctl(0, libc::TIOCSCTTY, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        command.spawn().expect("starts")
    }

    /// Types a string.
    pub fn types(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).expect("is read");
    }

    /// The terminal's settings.
    pub fn settings(&self) -> String {
        let Termios {
            input_modes,
            output_modes,
            control_modes,
            local_modes,
            ..
        } = tcgetattr(&self.theirs).expect("is a terminal");
        format!("{input_modes:?} {output_modes:?} {control_modes:?} {local_modes:?}")
    }

    /// Reads pending output, and returns whether this string has been written so far.
    pub fn has(&mut self, bytes: &str) -> bool {
        let mut read = [0; 65_536];
        loop {
            match self.ours.read(&mut read) {
                Ok(0) => break,
                Ok(count) => self.written.extend(&read[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The other end has been closed.
                Err(error) if error.raw_os_error() == Some(libc::EIO) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let mut windows = self.written.windows(bytes.len());
        windows.any(|window| window == bytes.as_bytes())
    }
}
