// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors between the client and the kernel: one sentence each, with the next step.

use std::{fmt::Display, io, time::Duration};

use greet_common::wire::HeaderError;
use rustix::io::Errno;

/// Why a greeting was not sent or not answered.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// `socket()`: EPROTONOSUPPORT.
    #[error(
        "netlink protocol {protocol} is not available: the module is not loaded; try `sudo insmod \
         kmod/NetlinkGreetingsLKM.ko`, or `cargo xtask demo` for a VM that has it"
    )]
    NoProtocol {
        /// The requested protocol.
        protocol: u32,
    },
    /// `sendmsg()`: ECONNREFUSED.
    #[error(
        "no listener on netlink protocol {protocol} in this network namespace: the module's \
         socket is in another one, or the module was just removed; try `sudo nsenter --net \
         --target 1 greet-user`"
    )]
    NobodyListens {
        /// The requested protocol.
        protocol: u32,
    },
    /// `sendmsg()`: EMSGSIZE.
    #[error(
        "the payload has {payload} bytes, but the socket's send buffer holds at most {limit}; send \
         a shorter text"
    )]
    TooLong {
        /// Size of the payload in bytes.
        payload: usize,
        /// The largest payload that fits, in bytes.
        limit: usize,
    },
    /// `recvmsg()`: ENOBUFS.
    #[error("the kernel could not queue a reply: this socket's receive queue was full (ENOBUFS)")]
    QueueOverflow,
    /// No reply in time.
    #[error("no reply to greeting {seq} within {} s", waited.as_secs_f64())]
    TooLate {
        /// The greeting's sequence number.
        seq: u32,
        /// How long the client waited.
        waited: Duration,
    },
    /// A datagram not sent by the kernel.
    #[error("a message from port {portid} instead of the kernel (port 0) was rejected")]
    OtherPort {
        /// The sender's port ID, as reported by the kernel.
        portid: u32,
    },
    /// A reply to some other message.
    #[error("a reply with sequence number {found} instead of {expected} was rejected")]
    OtherSequenceNumber {
        /// The sequence number sent.
        expected: u32,
        /// The sequence number found.
        found: u32,
    },
    /// A message whose type is not that of a reply.
    #[error("a message of type {kind} instead of 3 (NLMSG_DONE) was rejected")]
    OtherType {
        /// The type found.
        kind: u16,
    },
    /// Too short, or with a wrong length field.
    #[error("a malformed reply was rejected: {0}")]
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
    /// Any other operating system error.
    #[error("{call}() on a netlink socket failed: {error}")]
    System {
        /// The call that failed.
        call: &'static str,
        /// The error it returned.
        error: io::Error,
    },
}

impl ClientError {
    /// Whether a datagram other than the reply arrived. The reply may still follow.
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
