// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why the sockets could not be listed: one sentence each, with the next step.

use std::{error::Error as StdError, io};

use aya::programs::ProgramError;

use crate::kernel::{TracerError, chain, offsets::OffsetError};

/// Why the kernel's table of netlink sockets could not be walked.
#[derive(Debug, thiserror::Error)]
pub enum SocketsError {
    /// Capabilities are missing.
    #[error("it needs {missing}, which this process does not have; try `sudo greet-user sockets`")]
    Privileges {
        /// Which ones.
        missing: String,
    },
    /// The walk cannot work here, for the same reason as tracing.
    #[error(transparent)]
    Tracer(#[from] TracerError),
    /// A field was not found.
    #[error(transparent)]
    Offset(#[from] OffsetError),
    /// The kernel refused the program.
    #[error("the kernel refuses the program that walks through its netlink sockets: {0}")]
    Refused(String),
    /// Not every socket was seen.
    #[error("not all of the kernel's netlink sockets could be read: {reason}; try again")]
    Incomplete {
        /// Why.
        reason: String,
    },
    /// The eBPF program wrote something other than records.
    #[error("the eBPF program wrote a malformed record of {length} bytes")]
    Malformed {
        /// Its length in bytes.
        length: usize,
    },
    /// The kernel's own list could not be read.
    #[error("/proc/net/netlink cannot be read: {0}; is /proc mounted?")]
    Proc(io::Error),
}

impl SocketsError {
    pub(super) fn refused(error: impl Into<Box<dyn StdError>>) -> Self {
        Self::Refused(chain(&*error.into()))
    }

    pub(super) fn load(error: ProgramError) -> Self {
        if let ProgramError::LoadError {
            io_error,
            verifier_log,
        } = error
        {
            // The log has many lines, so it is shown only on request.
            log::warn!("the verifier said: {verifier_log}");
            return Self::Refused(format!("{io_error}; `-v` shows what the verifier said"));
        }
        Self::refused(error)
    }
}
