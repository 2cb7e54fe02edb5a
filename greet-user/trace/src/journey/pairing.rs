// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which request of its datagram a reply belongs to, and which reply an extended ACK.

use greet_common::wire::{Header, NLMSG_ERROR};

use super::{Exchange, Queued};
use crate::event::{Datagram, Extack};

/// `NETLINK_NETFILTER`.
const NETFILTER: u32 = 12;
/// `NFNL_MSG_BATCH_BEGIN`: errors are sent after the whole batch was processed
/// (`nfnl_err_deliver()` in net/netfilter/nfnetlink.c).
const BATCH_BEGIN: u16 = 0x10;

/// The requests of a datagram, each with its replies and extended ACKs.
#[derive(Debug)]
pub struct Pairing<'a> {
    exchange: &'a Exchange,
    requests: Vec<Header>,
    /// For each extended ACK, the reply that it is about: its index in `passed`.
    answers: Vec<Option<usize>>,
}

impl<'a> Pairing<'a> {
    /// Pairs the parts of an exchange.
    #[must_use]
    pub fn of(exchange: &'a Exchange) -> Self {
        let request = exchange.request.as_ref();
        let requests = request.map_or_else(Vec::new, |request| request.datagram.headers());
        let mut taken = vec![false; exchange.queued.len()];
        let find = |extack| answer_of(exchange, &requests, extack, &mut taken);
        Self {
            exchange,
            answers: exchange.extacks.iter().map(find).collect(),
            requests,
        }
    }

    /// Does the datagram hold more than one request?
    #[must_use]
    pub fn are_several(&self) -> bool {
        self.requests.len() > 1
    }

    /// The index in its datagram of the request that the message replies to, from 0; `None` if not
    /// known, because several have the same sequence number.
    #[must_use]
    pub fn request_of(&self, queued: &Queued) -> Option<usize> {
        let datagram = &queued.message.datagram;
        let seq = datagram.header()?.seq;
        let asked = self.requests.iter().enumerate();
        let mut fitting = asked.filter(|(_, header)| header.seq == seq);
        let (first, second) = (fitting.next(), fitting.next());
        if second.is_none() {
            return first.map(|(number, _)| number);
        }
        // An error quotes the header of its request.
        let quoted = quoted(datagram)?;
        let asked = self.requests.iter().enumerate();
        let mut fitting = asked.filter(|(_, header)| **header == quoted);
        let (first, second) = (fitting.next(), fitting.next());
        first.filter(|_| second.is_none()).map(|(number, _)| number)
    }

    /// The extended ACKs about this reply, by its index in `passed`.
    pub fn reasons_of(&self, answer: usize) -> impl Iterator<Item = &'a Extack> {
        let all = self.exchange.extacks.iter().zip(&self.answers);
        all.filter(move |(_, of)| **of == Some(answer))
            .map(|(extack, _)| extack)
    }

    /// Those about no reply that was seen.
    pub fn reasons_of_none(&self) -> impl Iterator<Item = &'a Extack> {
        let all = self.exchange.extacks.iter().zip(&self.answers);
        all.filter(|(_, of)| of.is_none()).map(|(extack, _)| extack)
    }

    /// The sequence numbers of the requests that the extended ACKs are about.
    pub fn seqs_of_reasons(&self) -> impl Iterator<Item = Option<u32>> {
        let only = self.exchange.seq().filter(|_| !self.are_several());
        self.answers.iter().map(move |answer| {
            let queued = answer.and_then(|answer| self.exchange.queued.get(answer));
            let header = queued.and_then(|queued| queued.message.datagram.header());
            header.map(|header| header.seq).or(only)
        })
    }
}

/// The reply that an extended ACK is about. The kernel handles one request after the other, so it
/// is the next one that was queued; a reply that contains the text itself is the best match.
fn answer_of(
    exchange: &Exchange,
    requests: &[Header],
    extack: &Extack,
    taken: &mut [bool],
) -> Option<usize> {
    let request = exchange.request.as_ref();
    let is_candidate = |queued: &Queued| {
        let (message, datagram) = (&queued.message, &queued.message.datagram);
        datagram.portid == 0
            && datagram.group == 0
            && message.queue_ns >= extack.time_ns
            && request.is_none_or(|request| request.head.sock == message.head.sock)
    };
    let all = exchange.queued.iter().enumerate();
    let mut candidates = all.filter(|(_, queued)| is_candidate(queued));
    let text = extack.text.split(|byte| *byte == 0).next();
    let says_it = candidates.clone().find(|(at, queued)| {
        let said = queued.message.datagram.reason();
        said.is_some() && said == text && !taken[*at]
    });
    if let Some((at, _)) = says_it {
        taken[at] = true;
        return Some(at);
    }
    let is_batch = extack.head.protocol == NETFILTER
        && requests
            .first()
            .is_some_and(|first| first.kind == BATCH_BEGIN);
    if is_batch {
        let is_refused = |queued: &Queued| {
            let error = queued.message.datagram.error();
            error.is_some_and(|error| error < 0)
        };
        let mut refused = candidates.filter(|(_, queued)| is_refused(queued));
        let (first, second) = (refused.next(), refused.next());
        return first.filter(|_| second.is_none()).map(|(at, _)| at);
    }
    candidates.next().map(|(at, _)| at)
}

/// The header that an error quotes, if the datagram is one.
fn quoted(datagram: &Datagram) -> Option<Header> {
    const BEHIND: usize = size_of::<i32>();
    let header = datagram
        .header()
        .filter(|header| header.kind == NLMSG_ERROR);
    header.and_then(|_| Header::parse(datagram.payload().get(BEHIND..)?).ok())
}
