// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a conversation is: a process, a protocol and a peer, in a network namespace.

use std::borrow::Cow;

use greet_trace::event::{self, Datagram, Head, Owner};

/// Who talks with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Who {
    /// The process.
    pub party: Party,
    /// Netlink protocol.
    pub protocol: u32,
    /// Its peer.
    pub peer: Peer,
    /// Inode number of the network namespace.
    pub netns: u32,
}

/// The owner of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// A process, by its name and ID.
    Process([u8; 16], u32),
    /// A port ID whose owner has not been seen yet: it has neither sent nor read.
    Port(u32),
}

/// The other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// The kernel: port ID 0.
    Kernel,
    /// A port ID of a process.
    Port(u32),
    /// A multicast group that the kernel sends to.
    Group(u32),
}

/// A port and its peer, as datagrams name them: what is known before the port's owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    pub port: u32,
    pub peer: Peer,
    pub protocol: u32,
    pub netns: u32,
}

impl Link {
    /// The link of a datagram's sender.
    pub(super) const fn of_sender(datagram: &Datagram) -> Self {
        let peer = match (datagram.group, datagram.peer_portid) {
            (0, 0) => Peer::Kernel,
            (0, port) => Peer::Port(port),
            (group, _) => Peer::Group(group),
        };
        Self::of(datagram, datagram.portid, peer)
    }

    /// The link of its receiver.
    pub(super) const fn of_receiver(datagram: &Datagram) -> Self {
        let peer = match (datagram.group, datagram.portid) {
            (0, 0) => Peer::Kernel,
            (0, port) => Peer::Port(port),
            (group, _) => Peer::Group(group),
        };
        Self::of(datagram, datagram.peer_portid, peer)
    }

    const fn of(datagram: &Datagram, port: u32, peer: Peer) -> Self {
        Self {
            port,
            peer,
            protocol: datagram.protocol,
            netns: datagram.netns,
        }
    }

    pub(super) const fn who(&self, party: Party) -> Who {
        Who {
            party,
            protocol: self.protocol,
            peer: self.peer,
            netns: self.netns,
        }
    }
}

impl Party {
    pub(super) const fn of(head: &Head) -> Self {
        Self::Process(head.comm, head.pid)
    }

    pub(super) const fn of_owner(owner: &Owner) -> Self {
        Self::Process(owner.comm, owner.pid)
    }

    /// The process's name, escaped for display, and its ID.
    #[must_use]
    pub fn process(&self) -> Option<(Cow<'_, str>, u32)> {
        match self {
            Self::Process(comm, pid) => {
                let name = comm.split(|byte| *byte == 0).next().unwrap_or_default();
                Some((event::escaped(name), *pid))
            }
            Self::Port(_) => None,
        }
    }
}

impl Peer {
    /// In a word or two.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Kernel => "kernel".to_owned(),
            Self::Port(port) => port.to_string(),
            Self::Group(group) => format!("group {group}"),
        }
    }
}

impl Who {
    /// The protocol's name, without the common prefix, or its number.
    #[must_use]
    pub fn protocol(&self) -> String {
        let name = event::protocol_name(self.protocol);
        name.map_or_else(
            || self.protocol.to_string(),
            |name| name.trim_start_matches("NETLINK_").to_owned(),
        )
    }

    /// What a search covers.
    #[must_use]
    pub fn words(&self) -> String {
        let party = match self.party.process() {
            Some((name, pid)) => format!("{name}[{pid}]"),
            None => "port".to_owned(),
        };
        let port = match self.party {
            Party::Port(port) => port.to_string(),
            Party::Process(..) => String::new(),
        };
        let (protocol, peer) = (self.protocol(), self.peer.words());
        format!("{party} {port} {protocol} {peer}").to_lowercase()
    }
}
