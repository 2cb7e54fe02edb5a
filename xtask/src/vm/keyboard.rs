// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host's side of standard input: a pipe, or a terminal in raw mode.

use std::io::{self, ErrorKind, IsTerminal as _, Read};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use xtask::frame::{Frame, Size};

const DEFAULT_SIZE: Size = Size {
    rows: 24,
    columns: 80,
};
/// How often to check the terminal's size.
const SIZE_INTERVAL: Duration = Duration::from_millis(500);

/// The size of our terminal.
pub fn terminal_size() -> Size {
    tcgetwinsize(io::stdout())
        .map(|size| Size {
            rows: size.ws_row,
            columns: size.ws_col,
        })
        .ok()
        .filter(|size| size.rows > 0 && size.columns > 0)
        .unwrap_or(DEFAULT_SIZE)
}

/// Forwards our standard input to the guest in the background, until EOF.
///
/// # Errors
/// Fails if the channel cannot be cloned.
pub fn feed_stdin(channel: &UnixStream) -> Result<()> {
    let mut channel = channel.try_clone()?;
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            let count = read(&mut io::stdin(), &mut buffer);
            let sent = Frame::Stdin(buffer[..count].to_vec()).write_to(&mut channel);
            if count == 0 || sent.is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// Reads available bytes; 0 at EOF or on error. A read interrupted by a signal is retried: stopping
/// and continuing us, or resizing the terminal, does not end the input.
fn read(from: &mut impl Read, buffer: &mut [u8]) -> usize {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read.unwrap_or(0),
        }
    }
}

/// Like [`feed_stdin`], and notifies the guest when the terminal is resized.
///
/// # Errors
/// Fails if the channel cannot be cloned.
pub fn follow_keyboard(channel: &UnixStream) -> Result<()> {
    // Frames of the two threads must not interleave: each is sent whole, in a single write through
    // its own duplicate without a lock, which a local stream socket keeps together.
    let mut resizes = channel.try_clone()?;
    let mut known = terminal_size();
    thread::spawn(move || {
        loop {
            thread::sleep(SIZE_INTERVAL);
            let size = terminal_size();
            if size != known && Frame::Resize(size).write_to(&mut resizes).is_err() {
                return;
            }
            known = size;
        }
    });
    feed_stdin(channel)
}

/// The terminal in raw mode: every key goes to the guest. Dropping it restores the terminal.
pub struct RawTerminal(Termios);

impl RawTerminal {
    /// Switches to raw mode.
    ///
    /// # Errors
    /// Fails if standard input is not a terminal.
    pub fn enter() -> Result<Self> {
        let stdin = io::stdin();
        anyhow::ensure!(
            stdin.is_terminal(),
            "a shell in the machine needs a terminal; for one command use --exec 'COMMAND'"
        );
        let before = tcgetattr(&stdin).context("reading the terminal's mode")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Now, &raw)
            .context("setting the terminal to raw mode")?;
        Ok(Self(before))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(io::stdin(), OptionalActions::Now, &self.0) {
            eprintln!("the terminal cannot be restored ({error}): type `reset`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is interrupted twice before each byte, and fails when it has no more.
    struct Interrupted<'a>(&'a [u8], u32);

    impl Read for Interrupted<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if !self.1.is_multiple_of(3) {
                return Err(ErrorKind::Interrupted.into());
            }
            let (first, rest) = self.0.split_at_checked(1).ok_or(ErrorKind::Other)?;
            buffer[0] = first[0];
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn a_signal_does_not_end_the_input() {
        let mut input = Interrupted(b"ab", 0);
        let mut buffer = [0; 8];
        for expected in *b"ab" {
            assert_eq!(read(&mut input, &mut buffer), 1);
            assert_eq!(buffer[0], expected);
        }
        assert_eq!(read(&mut input, &mut buffer), 0, "an error ends it");
    }
}
