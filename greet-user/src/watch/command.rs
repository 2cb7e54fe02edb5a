// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command whose traffic is watched.

use std::{
    ffi::OsString, io, os::unix::process::ExitStatusExt as _, process::Stdio, time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Child, time::timeout};

use crate::session::SessionError;

/// How long a command that is told to end may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a command's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Where ours goes, too.
    Own,
    /// Where our sentences go: a program reads our standard output.
    StandardError,
    /// Nowhere, and nothing is typed for it: the screen is ours.
    #[cfg(feature = "top")]
    Nowhere,
}

/// A running command.
pub struct Command {
    child: Child,
}

impl Command {
    /// Starts it.
    pub fn start(
        program: &OsString,
        arguments: &[OsString],
        output: Output,
    ) -> Result<Self, SessionError> {
        let mut command = tokio::process::Command::new(program);
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
        let started = command.spawn();
        let child = started.map_err(|error| SessionError::Command {
            command: program.to_string_lossy().into_owned(),
            error,
        })?;
        Ok(Self { child })
    }

    /// Asks it to end, if it still runs, and makes it end if it does not.
    pub async fn stop(&mut self) {
        let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) else {
            return;
        };
        // Not waited for yet, so the number is still its own.
        if let Some(pid) = Pid::from_raw(pid)
            && let Err(error) = kill_process(pid, Signal::TERM)
        {
            log::warn!("the command cannot be told to end: {error}");
        }
        if timeout(PATIENCE, self.child.wait()).await.is_err()
            && let Err(error) = self.child.kill().await
        {
            log::warn!("the command cannot be ended: {error}");
        }
    }

    /// Waits for its end, for ever if there is none. Returns its exit status, as a shell
    /// has it: 128 and the signal's number if one killed it.
    pub async fn ended(command: Option<&mut Self>) -> Result<u8, SessionError> {
        let Some(Self { child }) = command else {
            return std::future::pending().await;
        };
        let status = child.wait().await.map_err(SessionError::Signal)?;
        let signal = status.signal().map(|signal| 128 + signal);
        let code = status.code().or(signal).unwrap_or(1);
        Ok(u8::try_from(code).unwrap_or(u8::MAX))
    }
}
