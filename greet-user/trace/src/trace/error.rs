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
    #[error("there is no netlink protocol {0}: they go from 0 to 31")]
    Protocol(u32),
    /// The command does not start.
    #[error("`{name}` cannot be started: {error}")]
    Command {
        /// What was to be started.
        name: String,
        /// Why not.
        error: io::Error,
    },
    /// The command's end cannot be waited for.
    #[error("the command's end cannot be waited for: {0}")]
    Wait(io::Error),
}
