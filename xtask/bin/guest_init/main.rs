// SPDX-License-Identifier: MIT OR Apache-2.0
//! PID 1 of the virtual machine: mounts, loads, runs one command, reports one
//! verdict, powers off.
//!
//! It speaks [`xtask::frame`]s with the host. Whatever it prints itself goes to
//! the console, which the host keeps as a log.

mod channel;
mod command;
mod modules;
mod mounts;
mod terminal;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::system::{RebootCommand, reboot};
use xtask::frame::{Frame, Run, Verdict};

use crate::channel::Channel;

/// How long the machine outlives its verdict where the host does not end it.
const LINGER: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    if !rustix::process::getpid().is_init() {
        eprintln!("guest_init is PID 1 of the virtual machine that `cargo xtask vm` boots");
        return ExitCode::from(2);
    }
    if let Err(error) = serve() {
        eprintln!("guest_init: {error:#}");
    }
    rustix::fs::sync();
    // A PID 1 that returns makes the kernel panic; the host sees the guest end either way.
    if let Err(error) = reboot(RebootCommand::PowerOff) {
        eprintln!("guest_init: cannot power off: {error}");
    }
    ExitCode::FAILURE
}

fn serve() -> Result<()> {
    mounts::mount_all()?;
    modules::load_for_channel()?;
    let channel = Arc::new(Channel::open()?);
    channel.send(&Frame::Hello)?;
    let run = match channel.receive()? {
        Some(Frame::Run(run)) => run,
        other => bail!("expected a command from the host, got {other:?}"),
    };
    let verdict = prepare(&run)
        .and_then(|()| command::run(&run, &channel))
        .unwrap_or_else(|error| Verdict::Failed(format!("{error:#}")));
    channel.send(&Frame::Verdict(verdict))?;
    // The host switches the machine off as soon as it has read the verdict. Powering off here
    // at once could lose what is still on its way.
    thread::sleep(LINGER);
    Ok(())
}

/// Brings the machine into the state that every command may count on.
fn prepare(run: &Run) -> Result<()> {
    command::quietly("ip", &["link", "set", "lo", "up"]).context("bringing up lo")?;
    if run.load_module {
        modules::load_greeting().context("loading the greeting module")?;
    }
    Ok(())
}
