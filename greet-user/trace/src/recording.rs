// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recording: everything of a run in one file, in the order in which it came. Events are recorded
//! as they were seen, before any processing, so that every view can be fed from a recording just as
//! from the running kernel. docs/recording.md describes the format.
//!
//! A frame is written as a whole and has its own checksum: a run that is killed leaves a recording
//! that can be read up to its last whole frame.

mod error;
mod read;
mod v1;
mod v2;
mod write;

pub use error::RecordingError;
pub use read::Reader;
pub use write::Writer;

use crate::{
    event::Event,
    greeting::Greeted,
    run::{Closing, Opening},
};

/// The start of every recording.
const MAGIC: [u8; 8] = *b"GREETREC";
/// The version that is written. Every version up to it can be read.
const VERSION: u32 = 2;
/// Magic, version and their checksum, in bytes.
const HEADER: usize = MAGIC.len() + 8;
/// Length and checksum in front of each frame's body, in bytes.
const FRAME_HEAD: usize = 8;
/// The longest body, in bytes: longer than any run writes. A greater length is damage.
const BODY_MAX: usize = 16 << 20;

/// The content of one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// First: what run it is.
    Opening(Box<Opening>),
    /// An event.
    Event(Event),
    /// What the client knows of a greeting, after that greeting's events.
    Greeting {
        /// What it knows.
        greeted: Greeted,
        /// Was the tracer asked, too?
        traced: bool,
    },
    /// How many events have been dropped so far.
    Dropped(u64),
    /// Last: how it ended.
    Closing(Closing),
}

impl Entry {
    /// When it was over, CLOCK_MONOTONIC in ns; `None` if not known.
    #[must_use]
    pub fn time_ns(&self) -> Option<u64> {
        let time_ns = match self {
            Self::Opening(opening) => opening.began_ns,
            Self::Event(event) => event.time_ns(),
            Self::Greeting { greeted, .. } => greeted.sent.time_ns,
            Self::Dropped(_) => 0,
            Self::Closing(closing) => closing.ended_ns,
        };
        crate::event::reached(time_ns)
    }
}

/// The checksum of a frame: of its length, as stored in the file, and its body.
fn checksum(len: [u8; 4], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&len);
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests;
