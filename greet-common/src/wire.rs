// SPDX-License-Identifier: MIT OR Apache-2.0
//! The constants and the header of the wire format.
//!
//! The greeting's own constants are those of `kmod/greet_netlink.h` (`tests/header.rs` compares
//! them); the header and the flags are netlink's own (`include/uapi/linux/netlink.h`, RFC 3549).

use core::fmt;

/// The netlink protocol that `NetlinkGreetingsLKM` serves.
pub const NETLINK_TEST_PROTOCOL: u32 = 31;
/// The message type of a greeting (types below 16 are netlink's own).
pub const NLMSG_GREET: u16 = 20;
/// Payload of the module's reply, in bytes: zero-padded text.
pub const GREET_REPLY_SIZE: usize = 256;

/// No operation: to be ignored.
pub const NLMSG_NOOP: u16 = 1;
/// An error, or an acknowledgement if the error is 0.
pub const NLMSG_ERROR: u16 = 2;
/// The end of a dump; also the type of the module's reply.
pub const NLMSG_DONE: u16 = 3;
/// Data was lost.
pub const NLMSG_OVERRUN: u16 = 4;

/// The message is a request.
pub const NLM_F_REQUEST: u16 = 0x01;
/// The message is one part of several.
pub const NLM_F_MULTI: u16 = 0x02;
/// The sender asks for an acknowledgement.
pub const NLM_F_ACK: u16 = 0x04;

/// Size of a netlink header (`NLMSG_HDRLEN`), in bytes.
pub const HEADER_SIZE: usize = 16;
/// Messages in one datagram start at multiples of this (`NLMSG_ALIGNTO`), in bytes.
pub const ALIGN_TO: usize = 4;

/// `struct nlmsghdr`, in native byte order like all of netlink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Length of header and payload, in bytes, as the sender states it.
    pub len: u32,
    /// Message type.
    pub kind: u16,
    /// `NLM_F_…` flags.
    pub flags: u16,
    /// Sequence number.
    pub seq: u32,
    /// Port ID that the sender states (not to be trusted).
    pub portid: u32,
}

/// Why bytes are not a netlink message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// Fewer bytes than a header has.
    TooShort {
        /// How many bytes there are.
        bytes: usize,
    },
    /// The stated length is less than a header, or more than the bytes present.
    WrongLength {
        /// What the header says.
        stated: u32,
        /// How many bytes there are.
        bytes: usize,
    },
}

impl Header {
    /// Reads a header from the start of `bytes`, without checking its fields.
    ///
    /// # Errors
    /// [`HeaderError::TooShort`] with fewer than [`HEADER_SIZE`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        match bytes {
            &[
                l0,
                l1,
                l2,
                l3,
                k0,
                k1,
                f0,
                f1,
                s0,
                s1,
                s2,
                s3,
                p0,
                p1,
                p2,
                p3,
                ..,
            ] => Ok(Self {
                len: u32::from_ne_bytes([l0, l1, l2, l3]),
                kind: u16::from_ne_bytes([k0, k1]),
                flags: u16::from_ne_bytes([f0, f1]),
                seq: u32::from_ne_bytes([s0, s1, s2, s3]),
                portid: u32::from_ne_bytes([p0, p1, p2, p3]),
            }),
            short => Err(HeaderError::TooShort { bytes: short.len() }),
        }
    }

    /// Splits the first message off a whole datagram, into its header and its payload (the kernel's
    /// `nlmsg_ok()`).
    ///
    /// # Errors
    /// [`HeaderError`] if the bytes do not hold the message they announce.
    pub fn split(datagram: &[u8]) -> Result<(Self, &[u8]), HeaderError> {
        let header = Self::parse(datagram)?;
        usize::try_from(header.len)
            .ok()
            .and_then(|len| datagram.get(HEADER_SIZE..len))
            .map(|payload| (header, payload))
            .ok_or(HeaderError::WrongLength {
                stated: header.len,
                bytes: datagram.len(),
            })
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { bytes } => {
                write!(
                    f,
                    "{bytes} bytes are too few for a netlink header of {HEADER_SIZE}"
                )
            }
            Self::WrongLength { stated, bytes } => write!(
                f,
                "the netlink header says {stated} bytes, the datagram has {bytes}"
            ),
        }
    }
}

impl core::error::Error for HeaderError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: u32) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[..4].copy_from_slice(&len.to_ne_bytes());
        bytes[4..6].copy_from_slice(&NLMSG_GREET.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
        bytes[8..12].copy_from_slice(&7_u32.to_ne_bytes());
        bytes[12..16].copy_from_slice(&0x8000_0001_u32.to_ne_bytes());
        bytes
    }

    #[test]
    fn header_fields_are_where_netlink_has_them() {
        let datagram = message(19);
        let (header, payload) = Header::split(&datagram).expect("a sound message");
        assert_eq!(header.kind, NLMSG_GREET);
        assert_eq!(header.flags, NLM_F_REQUEST | NLM_F_ACK);
        assert_eq!(header.seq, 7);
        assert_eq!(header.portid, 0x8000_0001);
        assert_eq!(payload.len(), 3, "padding is no payload");
    }

    #[test]
    fn lying_lengths_are_refused() {
        for stated in [0, 15, 21, u32::MAX] {
            assert_eq!(
                Header::split(&message(stated)),
                Err(HeaderError::WrongLength { stated, bytes: 20 })
            );
        }
        for bytes in 0..HEADER_SIZE {
            assert_eq!(
                Header::split(&message(20)[..bytes]),
                Err(HeaderError::TooShort { bytes })
            );
        }
    }
}
