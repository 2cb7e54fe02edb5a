// SPDX-License-Identifier: MIT OR Apache-2.0
//! A packet as the link type has it: LINKTYPE_NETLINK, 253. Ahead of the netlink messages
//! stands a header of 16 bytes, as Linux's own tap (nlmon) gives it to tcpdump:
//! ```text
//! 2 bytes   packet type: PACKET_OUTGOING
//! 2 bytes   ARPHRD_NETLINK
//! 10 bytes  unused
//! 2 bytes   netlink protocol
//! ```
//! each in network byte order. The messages are as the kernel has them.

use crate::event::{Datagram, Message, Request};

/// The link type.
pub(super) const LINKTYPE_NETLINK: u32 = 253;
/// Bytes of the header.
pub(super) const HEADER: usize = 16;
/// `include/uapi/linux/if_packet.h`: what a packet of nlmon always has.
const PACKET_OUTGOING: u16 = 4;
/// `include/uapi/linux/if_arp.h`.
const ARPHRD_NETLINK: u16 = 824;

/// Which way a packet goes, as a process sees it: bits 0 and 1 of `epb_flags`.
const INBOUND: u32 = 0b01;
const OUTBOUND: u32 = 0b10;
/// Bits 2 to 4: how it was received.
const UNICAST: u32 = 0b001 << 2;
const MULTICAST: u32 = 0b010 << 2;

/// What is written of a packet, but for its time.
pub(super) struct Packet<'a> {
    /// `epb_flags`.
    pub flags: u32,
    datagram: &'a Datagram,
}

impl<'a> Packet<'a> {
    /// Outbound: a process sent it.
    pub(super) fn of_request(request: &'a Request) -> Self {
        Self::of(OUTBOUND, &request.datagram)
    }

    /// Inbound: a process is to read it.
    pub(super) fn of_message(message: &'a Message) -> Self {
        Self::of(INBOUND, &message.datagram)
    }

    fn of(direction: u32, datagram: &'a Datagram) -> Self {
        let reception = if datagram.group == 0 {
            UNICAST
        } else {
            MULTICAST
        };
        Self {
            flags: direction | reception,
            datagram,
        }
    }

    /// The header and what was captured behind it.
    pub(super) fn write_to(&self, bytes: &mut Vec<u8>) {
        let protocol = u16::try_from(self.datagram.protocol).unwrap_or(u16::MAX);
        bytes.extend(PACKET_OUTGOING.to_be_bytes());
        bytes.extend(ARPHRD_NETLINK.to_be_bytes());
        bytes.extend([0; 10]);
        bytes.extend(protocol.to_be_bytes());
        bytes.extend(&self.datagram.data);
    }

    /// How many bytes there would be had all been captured.
    pub(super) fn original_len(&self) -> u32 {
        let captured = u32::try_from(self.datagram.data.len()).unwrap_or(u32::MAX);
        let header = u32::try_from(HEADER).unwrap_or(u32::MAX);
        self.datagram.len.max(captured).saturating_add(header)
    }
}
