// SPDX-License-Identifier: MIT OR Apache-2.0
//! Builds exchanges from events: a request with its handler and its replies.
//!
//! What belongs together is known, never guessed from the time:
//! ```text
//! call number       a request and what the kernel queued inside its sendmsg()
//! socket, sk_buff   a message put into a queue and taken out of it
//! namespace, protocol, port, sequence number
//!                   what is queued outside of its request's call: the later parts of a dump,
//!                   made inside any recvmsg() of its socket, and what other tasks answer
//! ```
//! A call's messages come before the call's own record, and each message before its delivery: that
//! is the order in which the programs reserve their records. A lost record leaves a gap and nothing
//! else.

mod asked;
mod calls;
mod early;
mod exchange;
mod held;
mod late;
mod leaving;
mod losses;
mod pairing;
mod place;
mod reads;
mod update;
mod watched;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    rc::Rc,
};

use hashbrown::HashMap;

pub use exchange::{COMPLETE, Exchange, FIRST_REPLY, Queued, SPANS, Status};
pub use pairing::Pairing;
pub use update::{Seen, Update};
pub use watched::Watched;

use crate::event::{End, Event, Message, Request};
use asked::Asked;
use calls::Call;
use early::Early;
use held::Held;
use losses::Overruns;
use place::Place;
use update::update;

/// How many exchanges may wait for their replies to be read; [`Held`] bounds their bytes. Beyond
/// that, the oldest is emitted as it stands.
const WAITING: usize = 65_536;
/// `MSG_PEEK`: the message stays in the queue.
pub const MSG_PEEK: u32 = 0x2;

/// A socket and an `sk_buff` in its queue.
type Buffer = (u64, u64);

/// Puts events together as they arrive.
#[derive(Debug)]
pub struct Journey {
    /// Which hooks are attached: if deliveries are not seen, no exchange waits for them.
    watched: Watched,
    held: Held,
    cut_short: u64,
    calls: HashMap<u32, Call>,
    open: HashMap<u64, Exchange>,
    order: VecDeque<u64>,
    next: u64,
    in_queue: HashMap<Buffer, Place>,
    /// Those whose buffer already holds another message: the kernel frees a buffer before the
    /// reader's call ends, and may reuse it at once.
    displaced: HashMap<Buffer, Place>,
    asked: Asked,
    /// The one dump that a socket has, by socket.
    dumps: HashMap<u64, u64>,
    /// The latest time seen, CLOCK_MONOTONIC in ns.
    now_ns: u64,
    /// Exchanges that wait for another task's reply, by when they stop waiting.
    due: BinaryHeap<Reverse<(u64, u64)>>,
    early: Early,
    overruns: Overruns,
}

impl Journey {
    /// Everything is traced, with or without deliveries: without the last two stages, an exchange
    /// ends with its request.
    #[must_use]
    pub fn new(deliveries: bool) -> Self {
        Self::watching(Watched {
            deliveries,
            ..Watched::ALL
        })
    }

    /// The same if not everything can be traced.
    #[must_use]
    pub fn watching(watched: Watched) -> Self {
        Self {
            watched,
            held: Held::default(),
            cut_short: 0,
            calls: HashMap::new(),
            open: HashMap::new(),
            order: VecDeque::new(),
            next: 0,
            in_queue: HashMap::new(),
            displaced: HashMap::new(),
            asked: Asked::default(),
            dumps: HashMap::new(),
            now_ns: 0,
            due: BinaryHeap::new(),
            early: Early::default(),
            overruns: Overruns::default(),
        }
    }

    /// Deliveries of messages that were never seen: queued before the tracer started, or their
    /// record was dropped.
    #[must_use]
    pub fn unmatched(&self) -> u64 {
        self.early.unmatched()
    }

    /// Exchanges emitted before their replies were read, because too many exchanges, or too many
    /// bytes, were waiting.
    #[must_use]
    pub const fn cut_short(&self) -> u64 {
        self.cut_short
    }

    /// Takes the next event, and emits what can be emitted now.
    pub fn push(&mut self, event: Event, emit: &mut impl FnMut(Update<'_>)) {
        self.tick(event.time_ns(), emit);
        match event {
            Event::Request(request) => self.request(request, emit),
            Event::Message(message) => self.message(message, emit),
            Event::Delivery(delivery) => self.delivery(delivery, emit),
            Event::Loss(loss) => self.loss(loss, emit),
            Event::Close(close) => self.closed(&close, emit),
            Event::Extack(extack) => {
                let call = self.call(extack.head.tid, extack.head.call, emit);
                call.extacks.push(extack);
                self.held.add_notes(0, 1);
                self.make_room(emit);
            }
        }
    }

    /// Emits what has not come to an end.
    pub fn finish(&mut self, emit: &mut impl FnMut(Update<'_>)) {
        let mut calls: Vec<_> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        for tid in calls {
            self.abandon(tid, emit);
        }
        while let Some(id) = self.order.pop_front() {
            self.close(id, emit);
        }
    }

    fn message(&mut self, message: Message, emit: &mut impl FnMut(Update<'_>)) {
        let key: Buffer = (message.head.sock, message.skb);
        if let Some(place) = self.in_queue.get(&key).copied() {
            if message.queue_ns == 0 && self.is_at(place, &message) {
                return; // told when it was queued
            }
            // The buffer is in use again: the message it held was read, which is about to be
            // reported, or went with its socket.
            self.in_queue.remove(&key);
            let older = self.displaced.insert(key, place);
            self.give_up(older, emit);
        }
        let (tid, number) = (message.head.tid, message.head.call);
        let queued = Queued::new(message);
        if number == 0 {
            emit(update(&queued.message, 0));
            self.adopt(queued, emit);
            return;
        }
        let place = Place::Call(tid, self.call(tid, number, emit).messages.len());
        let mut queued = queued;
        self.put(&mut queued, place);
        self.held.add(&queued.message.datagram);
        self.call(tid, number, emit).messages.push(queued);
        self.make_room(emit);
    }

    /// Records where a message is kept from now on, as long as it may be read.
    fn put(&mut self, queued: &mut Queued, place: Place) {
        if !self.watched.deliveries || !queued.is_waiting() {
            return;
        }
        let key = queued.buffer();
        let displaced = self.displaced.get(&key).copied();
        if queued.place != Place::Nowhere && displaced == Some(queued.place) {
            self.displaced.insert(key, place);
        } else {
            self.in_queue.insert(key, place);
        }
        queued.place = place;
    }

    fn request(&mut self, request: Request, emit: &mut impl FnMut(Update<'_>)) {
        if request.end == End::Crossed {
            self.crossed(request, emit);
            return;
        }
        let call = self.end_call(request.head.tid, request.head.call, emit);
        let mut call = call.unwrap_or_default();
        let request = call.complete(request, emit);
        self.conclude(request, call, emit);
    }

    /// Keeps an exchange until its messages are read and no more will come.
    fn open(&mut self, mut exchange: Exchange, emit: &mut impl FnMut(Update<'_>)) {
        exchange.is_reading_unseen = !self.watched.deliveries;
        self.take_early_answers(&mut exchange);
        for at in 0..exchange.queued.len() {
            exchange.follow_dump(at);
        }
        if exchange.is_over() && !exchange.awaits_another_task() {
            emit(Update::Exchange(Rc::new(exchange)));
            return;
        }
        let id = self.next;
        self.next += 1;
        for (at, queued) in exchange.queued.iter_mut().enumerate() {
            self.put(queued, Place::Exchange(id, at));
        }
        let waiting = exchange.queued.iter().filter(|queued| queued.is_waiting());
        let waiting = waiting.map(|queued| (queued.buffer(), queued.message.queue_ns));
        let early: Vec<_> = waiting
            .filter_map(|(key, queue_ns)| self.early.take(key, queue_ns))
            .collect();
        exchange
            .datagrams()
            .for_each(|datagram| self.held.add(datagram));
        self.held
            .add_notes(exchange.losses.len(), exchange.extacks.len());
        self.asked.add(id, &exchange);
        self.open.insert(id, exchange);
        self.order.push_back(id);
        self.wait_for_answers(id);
        self.let_one_dump_run(id, emit);
        for delivery in early {
            self.delivery(delivery, emit);
        }
        self.make_room(emit);
        // Most end out of order: their numbers need not be kept.
        if self.order.len() > 2 * WAITING {
            let open = &self.open;
            self.order.retain(|id| open.contains_key(id));
        }
    }

    /// Bounds memory against readers that never read and calls that never return: emits the oldest
    /// exchanges as they stand.
    fn make_room(&mut self, emit: &mut impl FnMut(Update<'_>)) {
        while self.open.len() > WAITING || self.held.is_too_much() {
            let Some(oldest) = self.order.pop_front() else {
                // Everything held belongs to calls: the end of most of them must have been lost.
                let Some(tid) = self.calls.keys().next().copied() else {
                    break;
                };
                self.abandon(tid, emit);
                continue;
            };
            let is_unread = |open: &Exchange| open.queued.iter().any(Queued::is_waiting);
            self.cut_short += u64::from(self.open.get(&oldest).is_some_and(is_unread));
            self.close(oldest, emit);
        }
    }

    fn close_if_over(&mut self, place: Place, emit: &mut impl FnMut(Update<'_>)) {
        if let Place::Exchange(id, _) = place
            && self.open.get(&id).is_some_and(Exchange::is_over)
        {
            self.close(id, emit);
        }
    }

    fn close(&mut self, id: u64, emit: &mut impl FnMut(Update<'_>)) {
        if let Some(exchange) = self.remove(id) {
            emit(Update::Exchange(Rc::new(exchange)));
        }
    }

    /// Removes an exchange from every index.
    fn remove(&mut self, id: u64) -> Option<Exchange> {
        let mut exchange = self.open.remove(&id)?;
        exchange
            .datagrams()
            .for_each(|datagram| self.held.remove(datagram));
        self.held
            .remove_notes(exchange.losses.len(), exchange.extacks.len());
        for queued in exchange.queued.iter().filter(|queued| queued.is_waiting()) {
            let key = queued.buffer();
            for places in [&mut self.in_queue, &mut self.displaced] {
                if places.get(&key) == Some(&queued.place) {
                    places.remove(&key);
                }
            }
        }
        self.asked.remove(id, &exchange);
        if let Some(request) = &exchange.request
            && self.dumps.get(&request.head.sock) == Some(&id)
        {
            self.dumps.remove(&request.head.sock);
        }
        exchange.due_ns = 0;
        Some(exchange)
    }
}

#[cfg(test)]
mod tests;
