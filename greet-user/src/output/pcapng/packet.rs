// SPDX-License-Identifier: MIT OR Apache-2.0
//! A packet of the link type LINKTYPE_NETLINK, 253. A header of 16 bytes precedes the netlink
//! messages, the same that tcpdump gets from Linux's own tap (nlmon):
//! ```text
//! 2 bytes   packet type: PACKET_OUTGOING
//! 2 bytes   ARPHRD_NETLINK
//! 10 bytes  unused
//! 2 bytes   netlink protocol
//! ```
//! Each is in network byte order. The messages are as the kernel has them.

use greet_trace::event::{Datagram, Message, Request};

/// The link type.
pub(super) const LINKTYPE_NETLINK: u32 = 253;
/// Bytes of the header.
pub(super) const HEADER: usize = 16;
/// `include/uapi/linux/if_packet.h`: what an nlmon packet always has.
const PACKET_OUTGOING: u16 = 4;
/// `include/uapi/linux/if_arp.h`.
const ARPHRD_NETLINK: u16 = 824;

/// The direction of a packet, as a process sees it: bits 0 and 1 of `epb_flags`.
const INBOUND: u32 = 0b01;
const OUTBOUND: u32 = 0b10;
/// Bits 2 to 4: how it was received.
const UNICAST: u32 = 0b001 << 2;
const MULTICAST: u32 = 0b010 << 2;

/// The contents of a packet, except its time.
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

    /// Inbound: for a process to read.
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

    /// Writes the header and the captured bytes.
    pub(super) fn write_to(&self, bytes: &mut Vec<u8>) {
        let protocol = u16::try_from(self.datagram.protocol).unwrap_or(u16::MAX);
        bytes.extend(PACKET_OUTGOING.to_be_bytes());
        bytes.extend(ARPHRD_NETLINK.to_be_bytes());
        bytes.extend([0; 10]);
        bytes.extend(protocol.to_be_bytes());
        bytes.extend(&self.datagram.data);
    }

    /// The length, had everything been captured.
    pub(super) fn original_len(&self) -> u32 {
        let captured = u32::try_from(self.datagram.data.len()).unwrap_or(u32::MAX);
        let header = u32::try_from(HEADER).unwrap_or(u32::MAX);
        self.datagram.len.max(captured).saturating_add(header)
    }
}
