// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a recording cannot be read, or not to its end.

use std::{io, path::PathBuf};

use super::VERSION;

/// Offsets are in bytes from the start of the recording, and are those of whole frames.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be opened or read.
    #[error("{} cannot be read: {error}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It is something else.
    #[error(
        "this is not a recording: it does not start with `GREETREC`; `greet-user watch --record FILE` creates one"
    )]
    NotARecording,
    /// It was made by a later version of the tool.
    #[error(
        "the recording has version {version}, this greet-user reads up to {VERSION}: use a newer one"
    )]
    Newer {
        /// Its version.
        version: u32,
    },
    /// Numbers inside the messages are in the other byte order.
    #[error(
        "the recording was made on a machine with the opposite byte order: replay it on one like that"
    )]
    ByteOrder,
    /// It has no end.
    #[error(
        "the recording is truncated at offset {offset}: {what}; everything before that was shown"
    )]
    Truncated {
        /// After the last whole frame.
        offset: u64,
        /// How that was detected.
        what: &'static str,
    },
    /// A frame is not as it was written.
    #[error("the recording is damaged at offset {offset}: {what}")]
    Damaged {
        /// Where the frame starts.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl RecordingError {
    /// May the next frame be whole?
    #[must_use]
    pub const fn is_one_frame(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}
