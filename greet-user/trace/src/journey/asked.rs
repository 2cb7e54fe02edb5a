// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which open exchanges a reply may belong to: by the requester and the request's sequence number,
//! and by socket.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::Exchange;
use crate::event::{Datagram, Request};

/// A socket, as seen from outside: network namespace, protocol, port ID.
pub(super) type Port = (u32, u32, u32);

/// How many sequence numbers of one exchange are kept: a datagram may hold thousands of requests.
const MOST: usize = 64;
/// A sequence number that is not known. The kernel's notifications carry it, so no other message is
/// looked up by it.
pub(super) const UNKNOWN: u32 = 0;

/// Open exchanges, by what identifies their replies.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The oldest first.
    of: HashMap<(Port, u32), Vec<u64>>,
    /// Each with the sockets that its messages are queued at, or that its request came from.
    sockets: BTreeSet<(u64, u64)>,
}

impl Asked {
    pub(super) fn add(&mut self, id: u64, exchange: &Exchange) {
        if let Some((port, seqs)) = keys(exchange) {
            for seq in seqs {
                self.of.entry((port, seq)).or_default().push(id);
            }
        }
        self.sockets
            .extend(sockets(exchange).map(|sock| (sock, id)));
    }

    /// A message was queued at this socket for the exchange.
    pub(super) fn add_socket(&mut self, id: u64, sock: u64) {
        self.sockets.insert((sock, id));
    }

    pub(super) fn remove(&mut self, id: u64, exchange: &Exchange) {
        if let Some((port, seqs)) = keys(exchange) {
            for seq in seqs {
                if let Some(ids) = self.of.get_mut(&(port, seq)) {
                    ids.retain(|other| *other != id);
                    if ids.is_empty() {
                        self.of.remove(&(port, seq));
                    }
                }
            }
        }
        for sock in sockets(exchange) {
            self.sockets.remove(&(sock, id));
        }
    }

    /// Those whose request had this sequence number, the newest first.
    pub(super) fn by(&self, port: Port, seq: u32) -> impl Iterator<Item = u64> {
        let ids = self.of.get(&(port, seq));
        ids.into_iter().flatten().rev().copied()
    }

    /// Those that involve this socket.
    pub(super) fn at(&self, sock: u64) -> Vec<u64> {
        let range = (sock, 0)..=(sock, u64::MAX);
        self.sockets.range(range).map(|(_, id)| *id).collect()
    }
}

fn sockets(exchange: &Exchange) -> impl Iterator<Item = u64> {
    let asking = exchange.request.iter().map(|request| request.head.sock);
    asking.chain(
        exchange
            .queued
            .iter()
            .map(|queued| queued.message.head.sock),
    )
}

/// The requester, and its sequence numbers. A reply whose request was not seen yet has its own.
fn keys(exchange: &Exchange) -> Option<(Port, Vec<u32>)> {
    let Some(request) = &exchange.request else {
        let datagram = &exchange.queued.first()?.message.datagram;
        return Some((receiver_of(datagram)?, vec![datagram.header()?.seq]));
    };
    let asked = request.datagram.headers().into_iter();
    let mut seqs: Vec<_> = asked.map(|header| header.seq).take(MOST).collect();
    if seqs.is_empty() {
        // The first reply to a request without its bytes supplies the number: later ones are added
        // to it.
        let first = exchange.queued.first();
        let header = first.and_then(|queued| queued.message.datagram.header());
        seqs.push(header.map_or(UNKNOWN, |header| header.seq));
    }
    seqs.sort_unstable();
    seqs.dedup();
    Some((port_of(request), seqs))
}

/// The requester.
pub(super) fn port_of(request: &Request) -> Port {
    let datagram = &request.datagram;
    (datagram.netns, datagram.protocol, datagram.portid)
}

/// The receiver, if the message comes from the kernel and is for one socket only.
pub(super) fn receiver_of(datagram: &Datagram) -> Option<Port> {
    let is_unicast = datagram.portid == 0 && datagram.group == 0;
    is_unicast.then_some((datagram.netns, datagram.protocol, datagram.peer_portid))
}
