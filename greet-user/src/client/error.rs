// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong between client and kernel: one sentence each, with the next step.

use std::{fmt::Display, io, time::Duration};

use greet_common::wire::HeaderError;
use rustix::io::Errno;

/// Why a greeting was not sent, or not answered.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// `socket()`: EPROTONOSUPPORT.
    #[error(
        "netlink protocol {protocol} is not there: the module is not loaded; try `sudo insmod \
         kmod/NetlinkGreetingsLKM.ko`, or `cargo xtask demo` for a VM that has it"
    )]
    NoProtocol {
        /// The protocol asked for.
        protocol: u32,
    },
    /// `sendmsg()`: ECONNREFUSED.
    #[error(
        "nobody listens on netlink protocol {protocol} in this network namespace: the module's \
         socket is in another one, or the module was just removed; try `sudo nsenter --net \
         --target 1 greet-user`"
    )]
    NobodyListens {
        /// The protocol asked for.
        protocol: u32,
    },
    /// `sendmsg()`: EMSGSIZE.
    #[error(
        "the payload has {payload} bytes, and at most {limit} fit into the socket's send buffer; \
         send a shorter text"
    )]
    TooLong {
        /// Bytes of the payload.
        payload: usize,
        /// Most bytes that a payload can have here.
        limit: usize,
    },
    /// `recvmsg()`: ENOBUFS.
    #[error("the kernel could not queue an answer: this socket's receive queue was full (ENOBUFS)")]
    QueueOverflow,
    /// No answer in time.
    #[error("no answer to greeting {seq} within {} s", waited.as_secs_f64())]
    TooLate {
        /// The greeting's sequence number.
        seq: u32,
        /// How long was waited.
        waited: Duration,
    },
    /// A datagram that does not come from the kernel.
    #[error("a message from port {portid} instead of the kernel (port 0) was rejected")]
    OtherPort {
        /// The sender's port ID, as the kernel has it.
        portid: u32,
    },
    /// An answer to something else.
    #[error("an answer with sequence number {found} instead of {expected} was rejected")]
    OtherSequenceNumber {
        /// The number sent.
        expected: u32,
        /// The number found.
        found: u32,
    },
    /// A message of another type than an answer has.
    #[error("a message of type {kind} instead of 3 (NLMSG_DONE) was rejected")]
    OtherType {
        /// The type found.
        kind: u16,
    },
    /// Too short, or with a length that is not true.
    #[error("a malformed answer was rejected: {0}")]
    Malformed(#[from] HeaderError),
    /// NLMSG_ERROR.
    #[error("the kernel refused the message: {}", io::Error::from_raw_os_error(errno.wrapping_neg()))]
    Refused {
        /// The negative errno.
        errno: i32,
    },
    /// The message could not be encoded.
    #[error("the message could not be encoded: {0}")]
    Encoding(String),
    /// Anything else that the operating system said.
    #[error("{call}() on a netlink socket failed: {error}")]
    System {
        /// The call that failed.
        call: &'static str,
        /// What it said.
        error: io::Error,
    },
}

impl ClientError {
    /// Did a datagram come that is not the answer? The answer may still follow.
    #[must_use]
    pub const fn is_rejection(&self) -> bool {
        matches!(
            self,
            Self::QueueOverflow
                | Self::OtherPort { .. }
                | Self::OtherSequenceNumber { .. }
                | Self::OtherType { .. }
                | Self::Malformed(_)
        )
    }

    pub(super) fn encoding(error: impl Display) -> Self {
        Self::Encoding(error.to_string())
    }

    pub(super) fn open(protocol: u32, error: io::Error) -> Self {
        if Errno::from_io_error(&error) == Some(Errno::PROTONOSUPPORT) {
            Self::NoProtocol { protocol }
        } else {
            Self::System {
                call: "socket",
                error,
            }
        }
    }

    pub(super) fn receive(error: io::Error) -> Self {
        if Errno::from_io_error(&error) == Some(Errno::NOBUFS) {
            Self::QueueOverflow
        } else {
            Self::System {
                call: "recvmsg",
                error,
            }
        }
    }
}
