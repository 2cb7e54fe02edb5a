// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a run failed: one sentence each, with the next step.

use std::{io, path::PathBuf};

use greet_trace::{kernel::TracerError, recording::RecordingError, sockets::SocketsError};
use greet_user::client::ClientError;

/// Why a run could not continue.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// From the client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// From the tracer.
    #[error(transparent)]
    Tracer(#[from] TracerError),
    /// From the list of sockets.
    #[error(transparent)]
    Sockets(#[from] SocketsError),
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// A file cannot be written.
    #[error("{} cannot be written: {error}{}", path.display(), next_step(error))]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Two outputs into one file, or an output into a file that is being read.
    #[error(
        "{} is the same file as {}: they would overwrite each other; name another file", path.display(), other.display()
    )]
    SameFile {
        /// Which.
        path: PathBuf,
        /// The other use of that file.
        other: PathBuf,
    },
    /// Several files are directed to standard output.
    #[error(
        "only one of --record, --pcapng and --report can go to standard output; name files for the others"
    )]
    TwoStreams,
    /// Metrics cannot be served.
    #[cfg(feature = "metrics")]
    #[error(
        "metrics cannot be served at {address}: {error}{}",
        crate::serve::next_step(error)
    )]
    Metrics {
        /// Where.
        address: String,
        /// Why not.
        error: io::Error,
    },
    /// Traces cannot be sent.
    #[cfg(feature = "otlp")]
    #[error("traces cannot be sent: {0}; check the OTEL_ environment variables")]
    Otlp(opentelemetry_otlp::ExporterBuildError),
    /// A recording cannot be read, or not to its end.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// There is no terminal to draw on.
    #[cfg(feature = "top")]
    #[error("`top` needs a terminal, but {0}; `greet-user watch` works without one")]
    NoTerminal(String),
    /// The command to trace does not start.
    #[error("`{command}` cannot be started: {error}")]
    Command {
        /// What was to be started.
        command: String,
        /// Why not.
        error: io::Error,
    },
    /// Waiting for signals failed.
    #[error("cannot wait for signals: {0}")]
    Signal(io::Error),
}

impl SessionError {
    /// Did the reader of our output close it?
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(error) | Self::File { error, .. } => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }
}

/// What can be done about a file that cannot be written.
#[must_use]
pub fn next_step(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::IsADirectory => "; name a file in it",
        io::ErrorKind::NotFound => "; create its directory first",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; choose another directory"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, or choose another disk"
        }
        _ => "",
    }
}
