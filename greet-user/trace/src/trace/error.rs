// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a trace failed: one sentence each, with the next step.

use std::io;

use crate::kernel::TracerError;

/// Why a trace could not start or continue.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// From the tracer.
    #[error(transparent)]
    Tracer(#[from] TracerError),
    /// No such protocol.
    #[error("no netlink protocol {0}: they are numbered 0 to 31")]
    Protocol(u32),
    /// The command does not start.
    #[error("`{name}` cannot be started: {error}")]
    Command {
        /// What was to be started.
        name: String,
        /// Why not.
        error: io::Error,
    },
    /// Waiting for the command failed.
    #[error("cannot wait for the command to exit: {0}")]
    Wait(io::Error),
}
