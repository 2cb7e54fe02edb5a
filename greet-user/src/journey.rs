// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events become exchanges: a request with its handler and its answers.
//!
//! The handler and its answers run inside the sender's `sendmsg()`, in the same task, so
//! calls nest as in a program:
//! ```text
//! cross ─┬─ handle ─┬─ reply ── replied
//!        │          └─ … ── handled
//!        └───────────────── crossed
//! ```
//! Each task has a stack of open calls. A call is closed by the return of the same
//! buffer (`netlink_unicast`) or by the innermost callback's return (a return probe knows
//! no more). Time decides nothing here: within a task the events come in program order,
//! and across tasks their order does not matter.

use std::collections::HashMap;

use greet_common::Stage;

use crate::event::{Event, Message};

/// A request with its handler and its answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// What was seen of it, in the order in which it happened.
    pub events: Vec<Event>,
    /// Was it seen from beginning to end? If not, records were lost.
    pub complete: bool,
}

/// An answer and what handing it over came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The answer.
    pub event: &'a Event,
    /// What `netlink_unicast` returned for it; `None` if that was not seen.
    pub result: Option<i32>,
}

impl Exchange {
    /// The request, where its crossing or its handling was seen.
    #[must_use]
    pub fn request(&self) -> Option<&Message> {
        let event = self
            .events
            .iter()
            .find(|event| matches!(event.stage, Stage::Cross | Stage::Handle))?;
        event.message()
    }

    /// When the stage was passed for the first time: CLOCK_MONOTONIC, ns.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Option<u64> {
        let event = self.events.iter().find(|event| event.stage == stage)?;
        Some(event.time_ns)
    }

    /// Time between two stages, in ns, where both were seen.
    #[must_use]
    pub fn span(&self, from: Stage, to: Stage) -> Option<u64> {
        self.stage(to)?.checked_sub(self.stage(from)?)
    }

    /// What handing the request over came to: bytes, or a negative errno.
    #[must_use]
    pub fn result(&self) -> Option<i32> {
        let event = self
            .events
            .iter()
            .rfind(|event| event.stage == Stage::Crossed)?;
        event.result()
    }

    /// The answers, each with its own return.
    pub fn replies(&self) -> impl Iterator<Item = Reply<'_>> {
        self.events
            .iter()
            .enumerate()
            .filter(|(_, event)| event.stage == Stage::Reply)
            .map(|(at, event)| Reply {
                event,
                result: self.return_of(at),
            })
    }

    /// What the call that the event at `at` entered returned.
    #[must_use]
    pub fn return_of(&self, at: usize) -> Option<i32> {
        let entered = self.events.get(at)?;
        let mut later = self.events[at + 1..].iter();
        // The buffer may be used again once the call has returned: the first return counts.
        later
            .find(|event| event.skb == entered.skb && event.result().is_some())?
            .result()
    }

    /// The named spans of DESIGN.md that its stages allow, in ns.
    #[must_use]
    pub fn spans(&self) -> Vec<(&'static str, u64)> {
        [
            ("dispatch", Stage::Cross, Stage::Handle),
            ("handler", Stage::Handle, Stage::Handled),
            ("build", Stage::Handle, Stage::Reply),
        ]
        .into_iter()
        .filter_map(|(name, from, to)| Some((name, self.span(from, to)?)))
        .collect()
    }
}

/// A call that has not returned yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// `netlink_unicast` with this buffer.
    Unicast(u64),
    /// The receive callback.
    Callback,
}

/// An exchange in the making.
#[derive(Debug, Default)]
struct Open {
    exchange: Exchange,
    calls: Vec<Call>,
}

/// Puts events together as they come.
#[derive(Debug, Default)]
pub struct Journey {
    open: HashMap<u32, Open>,
    unmatched: u64,
}

impl Journey {
    /// Takes the next event; gives back an exchange that it brought to an end.
    pub fn push(&mut self, event: Event) -> Option<Exchange> {
        let tid = event.tid;
        let open = self.open.entry(tid).or_default();
        if open.exchange.events.contains(&event) {
            return None; // seen twice
        }
        let mut ended = None;
        match event.stage {
            Stage::Cross | Stage::Handle | Stage::Reply => {
                if !open.can_nest(&event) {
                    ended = open.give_up();
                }
                open.calls.push(match event.stage {
                    Stage::Handle => Call::Callback,
                    _ => Call::Unicast(event.skb),
                });
            }
            stage => {
                let call = match stage {
                    Stage::Handled => Call::Callback,
                    _ => Call::Unicast(event.skb),
                };
                let Some(at) = open.calls.iter().rposition(|other| *other == call) else {
                    self.unmatched += 1;
                    return None;
                };
                open.calls.truncate(at);
            }
        }
        open.exchange.events.push(event);
        if open.calls.is_empty() {
            let mut exchange = self.open.remove(&tid).unwrap_or_default().exchange;
            exchange.complete =
                exchange.events.first().map(|event| event.stage) == Some(Stage::Cross);
            return Some(exchange);
        }
        ended
    }

    /// Gives back what has not come to an end.
    pub fn finish(&mut self) -> Vec<Exchange> {
        let mut rest: Vec<_> = self.open.drain().map(|(_, open)| open.exchange).collect();
        rest.retain(|exchange| !exchange.events.is_empty());
        rest.sort_by_key(|exchange| exchange.events.first().map(|event| event.time_ns));
        rest
    }

    /// Returns whose calls were not seen.
    #[must_use]
    pub const fn unmatched(&self) -> u64 {
        self.unmatched
    }
}

impl Open {
    /// Can this call be made from within the calls that are open?
    fn can_nest(&self, event: &Event) -> bool {
        match (event.stage, self.calls.last()) {
            (_, None) => true,
            // A process enters the kernel from outside only.
            (Stage::Cross, Some(_)) => false,
            // The kernel calls back with the buffer that it was handed.
            (Stage::Handle, Some(call)) => *call == Call::Unicast(event.skb),
            (_, Some(_)) => true,
        }
    }

    /// Gives back what there is, unfinished, and starts anew.
    fn give_up(&mut self) -> Option<Exchange> {
        let Self { exchange, .. } = std::mem::take(self);
        (!exchange.events.is_empty()).then_some(exchange)
    }
}

#[cfg(test)]
mod tests;
