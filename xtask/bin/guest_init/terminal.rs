// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interactive shell: a pseudo-terminal in the guest, relayed to the host's.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use xtask::frame::{Frame, Size, Verdict};

use crate::channel::Channel;
use crate::command::{kill_everyone, reap_until, verdict};

const CHUNK: usize = 4096;

/// Runs the shell on a pseudo-terminal of its own until it ends.
///
/// # Errors
/// Where the kernel gives no pseudo-terminal, or the shell cannot be started.
pub fn run_shell(mut shell: Command, size: Size, channel: &Arc<Channel>) -> Result<Verdict> {
    let master = File::from(openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).context("openpt")?);
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .open(std::ffi::OsStr::from_bytes(name.as_bytes()))
        .context("opening the pseudo-terminal")?;
    resize(&master, size)?;

    shell
        .stdin(slave.try_clone()?)
        .stdout(slave.try_clone()?)
        .stderr(slave);
    let child = shell.spawn().context("starting the shell")?;
    // The command holds the slave's descriptors: while it lives, the master never ends.
    drop(shell);

    let (keys, input) = (master.try_clone()?, Arc::clone(channel));
    thread::spawn(move || follow_host(keys, &input));
    thread::scope(|scope| {
        let screen = scope.spawn(|| show(master, channel));
        let status = reap_until(&child)?;
        kill_everyone();
        screen.join().unwrap_or(Ok(()))?;
        Ok(verdict(status))
    })
}

/// Types what the host sends, and follows the size of its terminal.
fn follow_host(mut keys: File, channel: &Channel) {
    while let Ok(Some(frame)) = channel.receive() {
        let done = match frame {
            Frame::Stdin(bytes) => keys.write_all(&bytes).map_err(anyhow::Error::from),
            Frame::Resize(size) => resize(&keys, size),
            other => Err(anyhow::anyhow!("unexpected {other:?}")),
        };
        if let Err(error) = done {
            eprintln!("guest_init: {error:#}");
            return;
        }
    }
}

fn show(mut master: File, channel: &Channel) -> Result<()> {
    let mut buffer = [0; CHUNK];
    loop {
        match master.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => channel.send(&Frame::Stdout(buffer[..count].to_vec()))?,
            // What a master reads once the last slave is closed.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("reading the shell's terminal"),
        }
    }
}

fn resize(terminal: &File, Size { rows, columns }: Size) -> Result<()> {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).context("setting the terminal's size")
}
