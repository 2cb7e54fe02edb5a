// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command whose traffic is watched.

mod group;

use std::{
    io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal};
use tokio::{
    process::Child,
    time::{sleep, timeout},
};

use super::Program;
use crate::error::SessionError;
use group::Group;

/// How long a command and its process group may take to exit when asked: part of the time until the
/// deadline (`signals/deadline.rs`).
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Interval between checks for remaining processes of the group.
const LOOK: Duration = Duration::from_millis(5);

/// Where a command's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Where ours goes.
    Own,
    /// To standard error: another program reads our standard output.
    StandardError,
    /// Nowhere, and it gets no input: we use the screen.
    #[cfg(feature = "top")]
    Nowhere,
}

impl Output {
    /// Whether the command may use our terminal.
    fn is_own(self) -> bool {
        matches!(self, Self::Own | Self::StandardError)
    }
}

/// A running command.
pub struct Command {
    child: Child,
    group: Option<Group>,
}

impl Command {
    /// Starts the command.
    pub fn start(program: &Program) -> Result<Self, SessionError> {
        let Program {
            name,
            arguments,
            output,
        } = program;
        let mut command = tokio::process::Command::new(name);
        command.args(arguments);
        match output {
            Output::Own => {}
            Output::StandardError => {
                command.stdout(Stdio::from(io::stderr()));
            }
            #[cfg(feature = "top")]
            Output::Nowhere => {
                command.stdin(Stdio::null());
                command.stdout(Stdio::null()).stderr(Stdio::null());
            }
        }
        let is_shared = output.is_own() && group::is_shared();
        if !is_shared {
            command.as_std_mut().process_group(0);
        }
        let started = command.spawn();
        let child = started.map_err(|error| SessionError::Command {
            command: name.to_string_lossy().into_owned(),
            error,
        })?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let group = pid.and_then(Pid::from_raw);
        let group = group.map(|pid| Group::of(pid, is_shared));
        Ok(Self { child, group })
    }

    /// Asks the command, if it still runs, and its process group to exit, and kills them if they do
    /// not.
    pub async fn stop(&mut self) {
        let Some(group) = self.group.filter(|_| self.child.id().is_some()) else {
            return;
        };
        // It has not been waited for yet, so its PID is still its own.
        if let Err(error) = group.signal(Signal::TERM) {
            log::warn!("cannot terminate the command: {error}");
        }
        let ended = async {
            let status = self.child.wait().await;
            while group.is_left() {
                sleep(LOOK).await;
            }
            status
        };
        if timeout(PATIENCE, ended).await.is_err() {
            if let Err(error) = group.signal(Signal::KILL) {
                log::warn!("cannot kill the command: {error}");
            }
            if let Err(error) = self.child.wait().await {
                log::warn!("cannot wait for the command to exit: {error}");
            }
        }
        group::is_over();
    }

    /// Waits for the command to end; forever if there is none. Returns its exit status as a shell
    /// does: 128 plus the signal's number if a signal killed it.
    pub async fn ended(command: Option<&mut Self>) -> Result<u8, SessionError> {
        let Some(Self { child, .. }) = command else {
            return std::future::pending().await;
        };
        let status = child.wait().await.map_err(SessionError::Signal)?;
        group::is_over();
        let signal = status.signal().map(|signal| 128 + signal);
        let code = status.code().or(signal).unwrap_or(1);
        Ok(u8::try_from(code).unwrap_or(u8::MAX))
    }
}
