// SPDX-License-Identifier: MIT OR Apache-2.0
//! The terminal: taken as a whole screen, and restored whatever happens. Nothing waits for it: what
//! it does not accept now is written once it does.

mod fault;
mod restore;

use std::{
    cell::RefCell,
    fs::{File, OpenOptions},
    io::{self, IsTerminal as _, Write, stdout},
    os::unix::fs::OpenOptionsExt as _,
    rc::Rc,
};

use crossterm::{
    cursor::Hide,
    queue,
    terminal::{Clear, ClearType, EnterAlternateScreen},
};
use ratatui::{
    Frame, Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect,
};
use rustix::{
    fs::OFlags,
    process::{Signal, getpid, kill_process},
    termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr},
};
use tokio::io::unix::AsyncFd;

use crate::error::SessionError;

/// The part of a larger terminal that is drawn on: any process that has the terminal open may claim
/// a size of 65,535 columns and lines, whose cells would fill the memory.
const WIDEST: u16 = 1_000;
const HIGHEST: u16 = 400;

/// Bytes not written yet.
#[derive(Clone, Debug, Default)]
struct Pending(Rc<RefCell<Vec<u8>>>);

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The screen. Dropping it restores the terminal.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Pending>>,
    tty: AsyncFd<File>,
    pending: Pending,
}

/// The terminal, before anything is done to it.
///
/// # Errors
/// [`SessionError::NoTerminal`] if standard output is not a terminal.
pub fn open() -> Result<File, SessionError> {
    let none = |why: &str| SessionError::NoTerminal(why.to_owned());
    if !stdout().is_terminal() {
        return Err(none("standard output is not one"));
    }
    if std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        return Err(none("TERM names one that cannot move its cursor"));
    }
    // Reopened, because non-blocking mode is shared by everyone who has the open file.
    let open = |path: &str| {
        let mut how = OpenOptions::new();
        let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or(0);
        how.read(true).write(true).custom_flags(flags).open(path)
    };
    open("/dev/tty")
        .or_else(|_| open("/proc/self/fd/1"))
        .map_err(|error| none(&format!("it cannot be opened: {error}")))
}

impl Screen {
    /// Takes the terminal. From now on, whatever ends this program restores it first.
    ///
    /// # Errors
    /// If it cannot be taken; in that case it is unchanged.
    pub fn enter(tty: File) -> io::Result<Self> {
        let pending = Pending::default();
        let terminal = empty(size(&tty)?, &pending)?;
        #[expect(
            unsafe_code,
            reason = "tokio cannot see that the descriptor stays open"
        )]
        // SAFETY: the file owns its descriptor and closes it when it is dropped, not before.
        let tty = unsafe { AsyncFd::register(tty) }?;
        let mut screen = Self {
            terminal,
            tty,
            pending,
        };
        screen.take()?;
        Ok(screen)
    }

    fn take(&mut self) -> io::Result<()> {
        let tty = self.tty.get_ref();
        let mut raw = tcgetattr(tty)?;
        restore::prepare(tty.try_clone()?, raw.clone());
        raw.make_raw();
        tcsetattr(tty, OptionalActions::Now, &raw)?;
        queue!(
            self.pending,
            EnterAlternateScreen,
            Hide,
            Clear(ClearType::All)
        )?;
        self.write()
    }

    /// Draws a frame if the previous one was written; returns whether it was.
    ///
    /// # Errors
    /// If the terminal was closed.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Frame<'_>)) -> io::Result<bool> {
        if !self.is_written() {
            return Ok(false);
        }
        let area = size(self.tty.get_ref())?;
        if area != self.terminal.get_frame().area() {
            self.redraw()?;
        }
        self.terminal.draw(paint)?;
        self.write()?;
        Ok(true)
    }

    /// Makes the next frame a full one, not only what differs.
    ///
    /// # Errors
    /// None caused by the terminal.
    pub fn redraw(&mut self) -> io::Result<()> {
        // Does not ask the terminal for its cursor position: that would mean waiting for the reply.
        self.terminal = empty(size(self.tty.get_ref())?, &self.pending)?;
        queue!(self.pending, Clear(ClearType::All))
    }

    /// Gives the terminal back to the shell, sleeps until the shell resumes this program, and takes
    /// the terminal again.
    ///
    /// # Errors
    /// If the terminal cannot be taken again.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.pending.0.borrow_mut().clear();
        restore::now();
        kill_process(getpid(), Signal::STOP)?;
        self.awake()
    }

    /// Takes the terminal again: another program may have had it while this one was stopped.
    ///
    /// # Errors
    /// If it cannot be taken.
    pub fn awake(&mut self) -> io::Result<()> {
        self.pending.0.borrow_mut().clear();
        self.take()?;
        self.redraw()
    }

    /// Has everything been written?
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.pending.0.borrow().is_empty()
    }

    /// Waits until more can be written, and writes it.
    ///
    /// # Errors
    /// If the terminal was closed.
    pub async fn written(&self) -> io::Result<()> {
        let mut ready = self.tty.writable().await?;
        ready.clear_ready();
        self.write()
    }

    /// Waits for keys. Returns 0 bytes if the terminal was closed.
    ///
    /// # Errors
    /// If the terminal was closed.
    pub async fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.tty.readable().await?;
            match rustix::io::read(self.tty.get_ref(), &mut *bytes) {
                Ok(read) => return Ok(read),
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes as much as the terminal accepts.
    fn write(&self) -> io::Result<()> {
        let mut pending = self.pending.0.borrow_mut();
        while !pending.is_empty() {
            match rustix::io::write(self.tty.get_ref(), &pending) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(pending.drain(..written)),
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore::now();
    }
}

/// An empty screen of this size.
fn empty(area: Rect, pending: &Pending) -> io::Result<Terminal<CrosstermBackend<Pending>>> {
    let backend = CrosstermBackend::new(pending.clone());
    let viewport = Viewport::Fixed(area);
    Terminal::with_options(backend, TerminalOptions { viewport })
}

/// The terminal's size; the usual one if it does not know its own.
fn size(tty: &File) -> io::Result<Rect> {
    let size = tcgetwinsize(tty)?;
    Ok(match (size.ws_col, size.ws_row) {
        (0, _) | (_, 0) => Rect::new(0, 0, 80, 24),
        (width, height) => Rect::new(0, 0, width.min(WIDEST), height.min(HIGHEST)),
    })
}

#[cfg(test)]
mod tests;
