// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls that have not ended: what happens in one is emitted, or assigned to its request, when it
//! does.

use super::{Exchange, Journey, Pairing, Queued, Update, losses::Losses, update::update};
use crate::event::{Extack, Request};

/// A system call that has not ended, with what happened in it so far.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) messages: Vec<Queued>,
    pub(super) extacks: Vec<Extack>,
    pub(super) losses: Losses,
    /// The request, if it was reported before the call's end.
    crossed: Option<Request>,
}

impl Call {
    /// The request, now that the call has ended: if it was reported at `cross`, that record had the
    /// bytes, and was emitted then.
    pub(super) fn complete(
        &mut self,
        mut request: Request,
        emit: &mut impl FnMut(Update<'_>),
    ) -> Request {
        for extack in self
            .extacks
            .iter_mut()
            .filter(|extack| extack.head.sock == 0)
        {
            extack.head.sock = request.head.sock;
            extack.head.protocol = request.head.protocol;
        }
        match self.crossed.take() {
            Some(crossed) => request.datagram = crossed.datagram,
            None => emit(Update::Request(&request)),
        }
        request
    }
}

impl Journey {
    /// The call that the thread is in. If an older one is still open, its end was lost: the thread
    /// must have left it.
    pub(super) fn call(
        &mut self,
        tid: u32,
        number: u64,
        emit: &mut impl FnMut(Update<'_>),
    ) -> &mut Call {
        if self
            .calls
            .get(&tid)
            .is_some_and(|call| call.number != number)
        {
            self.abandon(tid, emit);
        }
        self.calls.entry(tid).or_insert_with(|| Call {
            number,
            ..Call::default()
        })
    }

    /// The call that has ended, if anything happened in it.
    pub(super) fn end_call(
        &mut self,
        tid: u32,
        number: u64,
        emit: &mut impl FnMut(Update<'_>),
    ) -> Option<Call> {
        let call = self.calls.remove(&tid)?;
        if call.number == number {
            self.let_go(&call);
            return Some(call);
        }
        self.calls.insert(tid, call);
        self.abandon(tid, emit);
        None
    }

    /// A request is on its way into the kernel; its call continues.
    pub(super) fn crossed(&mut self, request: Request, emit: &mut impl FnMut(Update<'_>)) {
        let (tid, number) = (request.head.tid, request.head.call);
        emit(Update::Request(&request));
        self.held.add(&request.datagram);
        let call = self.call(tid, number, emit);
        let twice = call.crossed.replace(request);
        if let Some(request) = twice {
            self.held.remove(&request.datagram);
        }
        self.make_room(emit);
    }

    /// The call's end was lost, or did not come before the trace ended.
    pub(super) fn abandon(&mut self, tid: u32, emit: &mut impl FnMut(Update<'_>)) {
        let Some(mut call) = self.calls.remove(&tid) else {
            return;
        };
        self.let_go(&call);
        if let Some(request) = call.crossed.take() {
            self.conclude(request, call, emit);
            return;
        }
        for queued in call.messages {
            emit(update(&queued.message, 0));
            self.open(Exchange::alone(queued), emit);
        }
        call.losses.iter().for_each(|loss| emit(Update::Loss(loss)));
        // One whose socket is unknown may belong to a call that is not traced.
        let known = call.extacks.iter().filter(|extack| extack.head.sock != 0);
        known.for_each(|extack| emit(Update::Extack(extack, None)));
    }

    /// Turns what is known of a call into an exchange.
    pub(super) fn conclude(
        &mut self,
        request: Request,
        call: Call,
        emit: &mut impl FnMut(Update<'_>),
    ) {
        let unexplained = call.losses.unexplained(request.unqueued, self.watched);
        let losses = call.losses.of(&request);
        let mut exchange = Exchange {
            request: Some(request),
            unexplained,
            is_queue_unseen: !self.watched.queues,
            ..Exchange::default()
        };
        for queued in call.messages {
            if exchange.is_arrival(&queued.message) {
                exchange.queued.push(queued);
                continue;
            }
            emit(update(&queued.message, 0));
            if exchange.is_answered_by(&queued.message) {
                exchange.queued.push(queued);
            } else {
                self.open(Exchange::alone(queued), emit);
            }
        }
        losses.iter().for_each(|loss| emit(Update::Loss(loss)));
        exchange.losses = losses;
        exchange.extacks = call.extacks;
        if !exchange.extacks.is_empty() {
            let pairing = Pairing::of(&exchange);
            let extacks = exchange.extacks.iter().zip(pairing.seqs_of_reasons());
            extacks.for_each(|(extack, seq)| emit(Update::Extack(extack, seq)));
        }
        self.open(exchange, emit);
    }

    /// What a call held is held elsewhere from now on, or emitted.
    fn let_go(&mut self, call: &Call) {
        let messages = call.messages.iter().map(|queued| &queued.message.datagram);
        let request = call.crossed.iter().map(|request| &request.datagram);
        messages
            .chain(request)
            .for_each(|datagram| self.held.remove(datagram));
        self.held
            .remove_notes(call.losses.len(), call.extacks.len());
    }
}
