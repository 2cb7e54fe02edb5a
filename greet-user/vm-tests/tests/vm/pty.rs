// SPDX-License-Identifier: MIT OR Apache-2.0
//! A terminal for a program, and the screen it would show.

use std::{
    fs::File,
    io::{ErrorKind, Read as _, Write as _},
    os::{
        fd::{FromRawFd as _, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{Child, Command, Stdio},
    ptr,
    time::{Duration, Instant},
};

use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::support::PATIENCE;

/// A pseudo-terminal: our end and the program's.
pub struct Pty {
    ours: File,
    theirs: File,
    screen: Vec<Vec<char>>,
    at: (usize, usize),
    /// All output so far.
    pub written: Vec<u8>,
    /// How many bytes of it have been interpreted.
    read: usize,
}

impl Pty {
    /// Opens one of this size.
    pub fn open(columns: u16, rows: u16) -> Self {
        let (mut ours, mut theirs) = (-1, -1);
        #[expect(unsafe_code, reason = "there is no safe way to open one")]
        // SAFETY: both are written before they are used; no name, termios or size is passed.
        let done = unsafe {
            libc::openpty(
                &raw mut ours,
                &raw mut theirs,
                ptr::null_mut(),
                ptr::null(),
                ptr::null(),
            )
        };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        #[expect(unsafe_code, reason = "the descriptors are ours from now on")]
        // SAFETY: they were just opened and have no other owner.
        let (ours, theirs) = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
        rustix::io::ioctl_fionbio(&ours, true).expect("can be told not to wait");
        for fd in [&ours, &theirs] {
            let close = rustix::io::FdFlags::CLOEXEC;
            rustix::io::fcntl_setfd(fd, close).expect("nobody else inherits it");
        }
        let mut pty = Self {
            ours: ours.into(),
            theirs: theirs.into(),
            screen: Vec::new(),
            at: (0, 0),
            written: Vec::new(),
            read: 0,
        };
        pty.resize(columns, rows);
        pty
    }

    /// Resizes it.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.ours, size).expect("has a size");
        self.screen = vec![vec![' '; usize::from(columns)]; usize::from(rows)];
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

    /// Reads pending output.
    pub fn read(&mut self) {
        let mut bytes = [0; 65_536];
        loop {
            match self.ours.read(&mut bytes) {
                Ok(0) => break,
                Ok(read) => self.written.extend(&bytes[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The other end has been closed.
                Err(error) if error.raw_os_error() == Some(libc::EIO) => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.look();
    }

    /// The lines of the screen.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.screen.iter();
        lines
            .map(|line| line.iter().collect::<String>().trim_end().to_owned())
            .collect()
    }

    /// Waits until the screen shows a matching line, and returns it.
    pub fn until(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.read();
            if let Some(line) = self.lines().into_iter().find(|line| fits(line)) {
                return line;
            }
            let shown = self.lines().join("\n");
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}:\n{shown}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How often this string has been written.
    pub fn has_written(&self, bytes: &str) -> usize {
        let windows = self.written.windows(bytes.len());
        windows.filter(|window| *window == bytes.as_bytes()).count()
    }

    /// Closes our end, as if the connection had broken.
    pub fn hang_up(self) {
        drop(self.ours);
    }

    /// Interprets the output as a screen: cursor movements, clearing, and characters.
    fn look(&mut self) {
        while let Some(rest) = self
            .written
            .get(self.read..)
            .filter(|rest| !rest.is_empty())
        {
            let used = if rest[0] == 0x1b {
                let Some(end) = rest.iter().skip(2).position(u8::is_ascii_alphabetic) else {
                    return;
                };
                let (numbers, letter) = (&rest[2..2 + end], rest[2 + end]);
                let numbers = String::from_utf8_lossy(numbers).into_owned();
                self.sequence(&numbers, letter);
                2 + end + 1
            } else {
                let valid = match str::from_utf8(rest) {
                    Ok(text) => text,
                    Err(error) if error.valid_up_to() == 0 => return,
                    Err(error) => str::from_utf8(&rest[..error.valid_up_to()]).expect("valid"),
                };
                let c = valid.chars().next().expect("not empty");
                let (row, column) = self.at;
                if let Some(cell) = self.screen.get_mut(row).and_then(|row| row.get_mut(column)) {
                    *cell = c;
                }
                self.at.1 += 1;
                c.len_utf8()
            };
            self.read += used;
        }
    }

    fn sequence(&mut self, numbers: &str, letter: u8) {
        match letter {
            b'H' => {
                let mut numbers = numbers.split(';').map(|number| number.parse().unwrap_or(1));
                let mut next = || numbers.next().unwrap_or(1_usize).saturating_sub(1);
                self.at = (next(), next());
            }
            b'J' => self.screen.iter_mut().for_each(|line| line.fill(' ')),
            _ => {}
        }
    }
}
