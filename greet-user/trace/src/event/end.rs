// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a `sendmsg()` ended.

use greet_common::event::{DIED, KILLED};

/// How a `sendmsg()` ended, as far as its record shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It returned.
    #[default]
    Returned,
    /// The record was written at the stage `cross`; another one follows when the call returns.
    Crossed,
    /// It never will: an oops killed the task inside the call.
    Died,
    /// A signal killed the task while the call waited: it ended, but never returned to the program.
    Killed,
}

/// What a call returns if a signal ended it.
const EINTR: i32 = 4;

impl End {
    /// Decodes the two fields of a record that show it: the time of the stage `sent`, ns, and the
    /// result. Also returns the result that the call returned.
    #[must_use]
    pub const fn of(sent_ns: u64, result: i32) -> (Self, i32) {
        match (sent_ns, result) {
            (0, DIED) => (Self::Died, 0),
            (0, 0) => (Self::Crossed, 0),
            (_, KILLED) => (Self::Killed, -EINTR),
            (_, result) => (Self::Returned, result),
        }
    }

    /// Encodes it as the result that [`Self::of`] reads.
    #[must_use]
    pub const fn result(self, returned: i32) -> i32 {
        match self {
            Self::Returned => returned,
            Self::Crossed => 0,
            Self::Died => DIED,
            Self::Killed => KILLED,
        }
    }
}
