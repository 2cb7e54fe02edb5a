// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command whose traffic is watched.

use std::{ffi::OsString, io, os::unix::process::ExitStatusExt as _, process::Stdio};

use tokio::process::Child;

use crate::{cli::Format, session::SessionError};

/// A running command.
pub struct Command {
    child: Child,
}

impl Command {
    /// Starts it. Our own output is for a program if it is JSON: the command's then goes
    /// where our sentences go, to standard error.
    pub fn start(
        program: &OsString,
        arguments: &[OsString],
        format: Format,
    ) -> Result<Self, SessionError> {
        let mut command = tokio::process::Command::new(program);
        command.args(arguments);
        if format == Format::Json {
            command.stdout(Stdio::from(io::stderr()));
        }
        let started = command.spawn();
        let child = started.map_err(|error| SessionError::Command {
            command: program.to_string_lossy().into_owned(),
            error,
        })?;
        Ok(Self { child })
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
