// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls that have not ended: what happens in one is told, or belongs to its request, when it
//! does.

use super::{Exchange, Journey, Passed, Told, losses::Losses, told::told};
use crate::event::Extack;

/// A system call that has not ended, with what happened in it so far.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) messages: Vec<Passed>,
    pub(super) extacks: Vec<Extack>,
    pub(super) losses: Losses,
}

impl Journey {
    /// The call that the thread is in. One that the thread must have left, because it is in
    /// another, lost its end.
    pub(super) fn call(
        &mut self,
        tid: u32,
        number: u64,
        tell: &mut impl FnMut(Told<'_>),
    ) -> &mut Call {
        if self
            .calls
            .get(&tid)
            .is_some_and(|call| call.number != number)
        {
            self.abandon(tid, tell);
        }
        self.calls.entry(tid).or_insert_with(|| Call {
            number,
            ..Call::default()
        })
    }

    /// The call whose end has come, if anything happened in it.
    pub(super) fn end_call(
        &mut self,
        tid: u32,
        number: u64,
        tell: &mut impl FnMut(Told<'_>),
    ) -> Option<Call> {
        let call = self.calls.remove(&tid)?;
        if call.number == number {
            self.let_go(&call);
            return Some(call);
        }
        self.calls.insert(tid, call);
        self.abandon(tid, tell);
        None
    }

    pub(super) fn abandon(&mut self, tid: u32, tell: &mut impl FnMut(Told<'_>)) {
        let Some(call) = self.calls.remove(&tid) else {
            return;
        };
        self.let_go(&call);
        for passed in call.messages {
            tell(told(&passed.message, 0));
            self.open(Exchange::alone(passed), tell);
        }
        call.losses.iter().for_each(|loss| tell(Told::Loss(loss)));
        // One of which nobody knows the socket may be of a call that is not looked at.
        let known = call.extacks.iter().filter(|extack| extack.head.sock != 0);
        known.for_each(|extack| tell(Told::Extack(extack, None)));
    }

    /// What a call held is another's from now on, or told.
    fn let_go(&mut self, call: &Call) {
        let messages = call.messages.iter();
        messages.for_each(|passed| self.held.remove(&passed.message.datagram));
        self.held
            .remove_notes(call.losses.len(), call.extacks.len());
    }
}
