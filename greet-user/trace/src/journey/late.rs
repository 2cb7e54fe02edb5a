// SPDX-License-Identifier: MIT OR Apache-2.0
//! Late replies: the later parts of a dump, which the kernel builds inside any `recvmsg()` of its
//! socket, and what another task queues after `sendmsg()` has returned (audit's threads, a module's
//! work queue). An exchange that may still get one stays open: a dump until its end, another for
//! [`PATIENCE_NS`] of the events' own time.

use std::cmp::Reverse;

use greet_common::wire::{NETLINK_TEST_PROTOCOL, NLM_F_ACK, NLM_F_MULTI, NLMSG_ERROR};

use super::{
    Exchange, Journey, Place, Queued, Update, WAITING,
    asked::{UNKNOWN, port_of, receiver_of},
};
use crate::event::{Close, End, Extack, Message, Request};

/// How long an exchange waits for a reply from another task, ns.
const PATIENCE_NS: u64 = 400_000_000;
/// How long a reply that was seen before its request waits for it, ns: that call is about to
/// return.
const EARLY_NS: u64 = 50_000_000;
/// `NETLINK_AUDIT`: its threads reply after the acknowledgement.
const AUDIT: u32 = 9;
/// The protocols whose kernel side replies inside `sendmsg()` or, for a dump, inside `recvmsg()`:
/// route, sock_diag, nflog, xfrm, selinux, fib_lookup, netfilter, uevents, rdma, crypto; and
/// usersock, to which the kernel does not reply at all.
const ANSWERS_AT_ONCE: [u32; 11] = [0, 2, 4, 5, 6, 7, 10, 12, 15, 20, 21];
/// `NLM_F_DUMP`: some families accept either bit.
const NLM_F_DUMP: u16 = 0x300;
/// The error for a second dump on a socket while the first is in progress.
const EBUSY: i32 = 16;

impl Exchange {
    /// Processes a reply: does it start a dump, or end one?
    pub(super) fn follow_dump(&mut self, at: usize) {
        let datagram = &self.queued[at].message.datagram;
        let Some(first) = receiver_of(datagram).and_then(|_| datagram.header()) else {
            return;
        };
        let seq = first.seq;
        let is_refused = || {
            let error = datagram.error();
            error.is_some_and(|error| error < 0 && error != -EBUSY)
        };
        if datagram.done().is_some() || first.kind == NLMSG_ERROR && is_refused() {
            self.running.retain(|running| *running != seq);
        } else if first.flags & NLM_F_MULTI != 0
            && first.kind != NLMSG_ERROR
            && self.asks_for_dump(seq)
            && !self.running.contains(&seq)
        {
            self.running.push(seq);
        }
    }

    /// Was a dump requested with this number? If that was not seen, the reply decides.
    fn asks_for_dump(&self, seq: u32) -> bool {
        let Some(request) = &self.request else {
            return false;
        };
        let headers = request.datagram.headers();
        let mut asked = headers.iter().filter(|header| header.seq == seq).peekable();
        asked.peek().is_none() || asked.any(|header| header.flags & NLM_F_DUMP != 0)
    }

    /// May another task still reply?
    pub(super) fn awaits_another_task(&self) -> bool {
        let Some(request) = &self.request else {
            // A reply that is seen before its request, whose call has not returned.
            let [queued] = self.queued.as_slice() else {
                return false;
            };
            let datagram = &queued.message.datagram;
            let header = receiver_of(datagram).and_then(|_| datagram.header());
            return !answers_at_once(datagram.protocol)
                && header.is_some_and(|header| header.seq != UNKNOWN);
        };
        let datagram = &request.datagram;
        if request.end != End::Returned
            || request.result < 0
            || datagram.peer_portid != 0
            || request.unqueued != 0
            || self.is_queue_unseen
            || self.lost() > 0
            || answers_at_once(datagram.protocol)
            || is_greeting_without_ack(request)
            || !is_numbered(request)
        {
            return false;
        }
        let Some(last) = self.queued.last() else {
            return true;
        };
        let last = &last.message.datagram;
        let Some(header) = last.header() else {
            return false;
        };
        let is_part = header.flags & NLM_F_MULTI != 0 && last.done().is_none();
        let has_own_threads = datagram.protocol == AUDIT || is_modules(datagram.protocol);
        let mut answers = self.queued.iter();
        is_part
            || has_own_threads && answers.all(|queued| queued.message.datagram.error() == Some(0))
    }
}

fn answers_at_once(protocol: u32) -> bool {
    ANSWERS_AT_ONCE.contains(&protocol)
}

/// Can only a module use this protocol?
fn is_modules(protocol: u32) -> bool {
    protocol == NETLINK_TEST_PROTOCOL || crate::event::protocol_name(protocol).is_none()
}

/// Whether a late reply can be matched to this request: by the request's sequence number, or, if
/// tracepoints did not show the request's bytes, as the first reply.
fn is_numbered(request: &Request) -> bool {
    let is_unseen = request.send_ns == 0 && request.datagram.data.is_empty();
    is_unseen || request.datagram.header().is_some()
}

/// The greeting's module replies only if asked to.
fn is_greeting_without_ack(request: &Request) -> bool {
    let header = request.datagram.header();
    request.datagram.protocol == NETLINK_TEST_PROTOCOL
        && header.is_some_and(|header| header.flags & NLM_F_ACK == 0)
}

impl Journey {
    /// A message that was queued outside of its request's call belongs to its request, if that
    /// is known; otherwise it is emitted separately.
    pub(super) fn adopt(&mut self, mut queued: Queued, emit: &mut impl FnMut(Update<'_>)) {
        let Some(id) = self.asker(&queued.message) else {
            self.open(Exchange::alone(queued), emit);
            return;
        };
        let Some(exchange) = self.open.get(&id) else {
            return;
        };
        let place = Place::Exchange(id, exchange.queued.len());
        self.put(&mut queued, place);
        self.held.add(&queued.message.datagram);
        self.asked.add_socket(id, queued.message.head.sock);
        if let Some(exchange) = self.open.get_mut(&id) {
            exchange.queued.push(queued);
            exchange.follow_dump(exchange.queued.len() - 1);
            self.wait_for_answers(id);
        }
        self.let_one_dump_run(id, emit);
        self.make_room(emit);
        self.close_if_over(place, emit);
    }

    /// The exchange to which a message replies that was not queued inside its request's call.
    fn asker(&self, message: &Message) -> Option<u64> {
        let datagram = &message.datagram;
        let port = receiver_of(datagram)?;
        let seq = datagram.header()?.seq;
        let asked = |id: &u64| {
            let request = self.open.get(id)?.request.as_ref()?;
            (request.head.sock == message.head.sock).then_some(*id)
        };
        let by = |seq| self.asked.by(port, seq).filter_map(move |id| asked(&id));
        let dumps = |id: &u64| self.open[id].running.contains(&seq);
        if let Some(id) = by(seq).find(dumps) {
            return Some(id);
        }
        if seq == UNKNOWN {
            return None;
        }
        by(seq).next().or_else(|| {
            // If the requests' bytes are not seen, and only one has no reply yet.
            let is_unanswered = |id: &u64| {
                let exchange = &self.open[id];
                let request = exchange.request.as_ref();
                exchange.queued.is_empty()
                    && request.is_some_and(|request| request.datagram.data.is_empty())
            };
            let mut unanswered = by(UNKNOWN).filter(is_unanswered);
            unanswered.next().filter(|_| unanswered.next().is_none())
        })
    }

    /// Takes the replies that another task queued before the request's call returned.
    pub(super) fn take_early_answers(&mut self, exchange: &mut Exchange) {
        let Some(request) = &exchange.request else {
            return;
        };
        if !exchange.awaits_another_task() {
            return;
        }
        let (port, sock, send_ns) = (port_of(request), request.head.sock, request.send_ns);
        let mut seqs: Vec<_> = request.datagram.headers().iter().map(|it| it.seq).collect();
        if request.datagram.data.is_empty() {
            // If the requests' bytes are not seen, and everything that came has the same number.
            let mut early = self.early_seqs(sock);
            early.dedup();
            seqs = if early.len() == 1 { early } else { seqs };
        }
        let mut found: Vec<u64> = Vec::new();
        for seq in seqs {
            let alone = self.asked.by(port, seq).filter(|id| {
                let other = &self.open[id];
                let message = other.queued.first().map(|queued| &queued.message);
                other.request.is_none()
                    && message.is_some_and(|message| {
                        message.head.sock == sock
                            && (message.queue_ns == 0 || message.queue_ns >= send_ns)
                    })
            });
            found.extend(alone);
        }
        found.sort_unstable();
        found.dedup();
        for id in found {
            if let Some(alone) = self.remove(id) {
                exchange.queued.extend(alone.queued);
            }
        }
    }

    /// The sequence numbers of the replies at this socket whose request was not seen yet.
    fn early_seqs(&self, sock: u64) -> Vec<u32> {
        let open = self.asked.at(sock).into_iter();
        let alone = open.filter_map(|id| self.open.get(&id));
        let alone = alone.filter(|other| other.request.is_none() && other.due_ns != 0);
        let messages = alone.filter_map(|other| Some(&other.queued.first()?.message));
        messages
            .filter_map(|message| Some(message.datagram.header()?.seq))
            .collect()
    }

    /// Sets how long the exchange waits for another task's reply, from now on.
    pub(super) fn wait_for_answers(&mut self, id: u64) {
        let Some(exchange) = self.open.get_mut(&id) else {
            return;
        };
        let is_listed = exchange.due_ns != 0;
        exchange.due_ns = 0;
        if exchange.awaits_another_task() {
            let patience_ns = match exchange.request {
                Some(_) => PATIENCE_NS,
                None => EARLY_NS,
            };
            exchange.due_ns = self.now_ns.saturating_add(patience_ns);
            if !is_listed {
                self.due.push(Reverse((exchange.due_ns, id)));
            }
        }
        // Most get their reply long before: their entries need not be kept.
        if self.due.len() > 2 * WAITING {
            let open = &self.open;
            self.due.retain(|Reverse((_, id))| open.contains_key(id));
        }
    }

    /// A socket has one dump at a time: if another starts, the end of the last was not seen.
    pub(super) fn let_one_dump_run(&mut self, id: u64, emit: &mut impl FnMut(Update<'_>)) {
        let running = self.open.get(&id).filter(|open| !open.running.is_empty());
        let Some(request) = running.and_then(|open| open.request.as_ref()) else {
            return;
        };
        let last = self.dumps.insert(request.head.sock, id);
        if let Some(last) = last.filter(|last| *last != id)
            && let Some(exchange) = self.open.get_mut(&last)
        {
            exchange.running.clear();
            self.close_if_over(Place::Exchange(last, 0), emit);
        }
    }

    /// When the next exchange stops waiting for another task's reply: CLOCK_MONOTONIC, ns.
    #[must_use]
    pub fn due_ns(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((due_ns, _))| *due_ns)
    }

    /// Advances the time, even if nothing happens: what has waited long enough is emitted. Every
    /// event up to `now_ns` must have been pushed.
    pub fn tick(&mut self, now_ns: u64, emit: &mut impl FnMut(Update<'_>)) {
        self.now_ns = self.now_ns.max(now_ns);
        while let Some(Reverse((due_ns, id))) = self.due.peek().copied()
            && due_ns <= self.now_ns
        {
            self.due.pop();
            let Some(exchange) = self.open.get_mut(&id) else {
                continue;
            };
            if exchange.due_ns > self.now_ns {
                // A reply came in the meantime, and it waits for the next.
                self.due.push(Reverse((exchange.due_ns, id)));
            } else {
                exchange.due_ns = 0;
                self.close_if_over(Place::Exchange(id, 0), emit);
            }
        }
    }

    /// An extended ACK inside a `recvmsg()`: it is about the dump whose next part follows. Returns
    /// the sequence number of that dump's request.
    pub(super) fn reason_of_dump(&mut self, extack: &Extack, messages: &[Queued]) -> Option<u32> {
        let mut later = messages.iter().map(|queued| &queued.message);
        let part = later.find(|message| message.queue_ns >= extack.time_ns)?;
        let id = self.asker(part)?;
        self.open.get_mut(&id)?.extacks.push(*extack);
        self.held.add_notes(0, 1);
        Some(part.datagram.header()?.seq)
    }

    /// What is in this socket's queue will never be read, and it gets no more replies.
    pub(super) fn closed(&mut self, close: &Close, emit: &mut impl FnMut(Update<'_>)) {
        let sock = close.head.sock;
        self.dumps.remove(&sock);
        for id in self.asked.at(sock) {
            let Some(exchange) = self.open.get_mut(&id) else {
                continue;
            };
            let asked = exchange.request.as_ref();
            if asked.is_none_or(|request| request.head.sock == sock) {
                exchange.running.clear();
                exchange.due_ns = 0;
            }
            for queued in &mut exchange.queued {
                if queued.is_waiting() && queued.message.head.sock == sock {
                    for places in [&mut self.in_queue, &mut self.displaced] {
                        if places.get(&queued.buffer()) == Some(&queued.place) {
                            places.remove(&queued.buffer());
                        }
                    }
                    queued.gone = true;
                    queued.closed_ns = close.time_ns;
                }
            }
            self.close_if_over(Place::Exchange(id, 0), emit);
        }
    }
}
