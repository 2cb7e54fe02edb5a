// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packets that wait for the rest of their story, in order of time.

use std::collections::BTreeMap;

use greet_trace::{
    event::{Head, Message, Request},
    journey::Seen,
};
use hashbrown::HashMap;

use super::comment::{self, Notes};

/// What a packet is made of.
pub(super) enum Part {
    /// A message sent by a process.
    Request(Request),
    /// A message put into a process's queue.
    Message(Message, Seen),
}

/// Identifies a waiting packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// Thread, call, stage `send`.
    Request(u32, u64, u64),
    /// Socket, buffer, stages `reply` and `queue`: buffers are reused.
    Message(u64, u64, u64, u64),
    /// Thread and call: what happens in a call belongs to its request, or else to the last message
    /// queued in it.
    Call(u32, u64),
}

/// The position of a waiting packet: its time, and how many came before it.
type Place = (u64, u64);

/// A waiting packet.
pub(super) struct Waiting {
    /// CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// What it is made of.
    pub part: Part,
    /// Its comment, once its exchange has ended.
    story: Option<String>,
    /// What went wrong.
    notes: Notes,
}

/// All waiting packets.
#[derive(Default)]
pub(super) struct Held {
    waiting: BTreeMap<Place, Waiting>,
    places: HashMap<Key, Place>,
    count: u64,
    bytes: usize,
    /// Notes that belong to no packet: the next one carries them.
    loose: Notes,
}

impl Key {
    pub(super) const fn of_request(request: &Request) -> Self {
        Self::Request(request.head.tid, request.head.call, request.send_ns)
    }

    pub(super) const fn of_message(message: &Message) -> Self {
        let (reply_ns, queue_ns) = (message.reply_ns, message.queue_ns);
        Self::Message(message.head.sock, message.skb, reply_ns, queue_ns)
    }

    /// `None` outside of a call.
    pub(super) const fn call_of(head: &Head) -> Option<Self> {
        match head.call {
            0 => None,
            call => Some(Self::Call(head.tid, call)),
        }
    }
}

impl Part {
    fn key(&self) -> Key {
        match self {
            Self::Request(request) => Key::of_request(request),
            Self::Message(message, _) => Key::of_message(message),
        }
    }

    const fn head(&self) -> &Head {
        match self {
            Self::Request(request) => &request.head,
            Self::Message(message, _) => &message.head,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Request(request) => request.datagram.data.len(),
            Self::Message(message, _) => message.datagram.data.len(),
        }
    }
}

impl Waiting {
    /// Its comment, as far as known.
    pub(super) fn comment(&self) -> String {
        let story = self.story.clone().unwrap_or_else(|| match &self.part {
            Part::Request(request) => comment::of_request(request, None, None),
            Part::Message(message, seen) => comment::of_message(message, *seen),
        });
        self.notes.behind(story)
    }
}

impl Held {
    /// Bytes of the waiting messages.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a packet of this time.
    pub(super) fn put(&mut self, time_ns: u64, part: Part) {
        let place = (time_ns, self.count);
        self.count += 1;
        self.bytes += part.bytes();
        self.places.insert(part.key(), place);
        if let Some(call) = Key::call_of(part.head()) {
            let is_request = matches!(part, Part::Request(_));
            if is_request || !self.is_request(call) {
                self.places.insert(call, place);
            }
        }
        let waiting = Waiting {
            time_ns,
            part,
            story: None,
            notes: self.left().of_before(),
        };
        self.waiting.insert(place, waiting);
    }

    fn is_request(&self, call: Key) -> bool {
        let place = self.places.get(&call);
        let waiting = place.and_then(|place| self.waiting.get(place));
        waiting.is_some_and(|waiting| matches!(waiting.part, Part::Request(_)))
    }

    /// Notes what went wrong in a call, or outside of any.
    pub(super) fn note(&mut self, call: Option<Key>, note: String) {
        let place = call.and_then(|call| self.places.get(&call));
        let notes = match place.and_then(|place| self.waiting.get_mut(place)) {
            Some(waiting) => &mut waiting.notes,
            None => &mut self.loose,
        };
        notes.push(note);
    }

    /// Ends this packet's exchange. A packet already written keeps its comment.
    pub(super) fn end(&mut self, key: &Key, story: impl FnOnce() -> String) {
        let place = self.places.get(key);
        if let Some(waiting) = place.and_then(|place| self.waiting.get_mut(place)) {
            waiting.story = Some(story());
        }
    }

    /// The oldest, if its exchange has ended or it is not newer than `until_ns`.
    pub(super) fn take(&mut self, until_ns: u64) -> Option<Waiting> {
        let oldest = self.waiting.first_entry()?;
        if oldest.get().story.is_none() && oldest.key().0 > until_ns {
            return None;
        }
        let (place, waiting) = oldest.remove_entry();
        self.bytes -= waiting.part.bytes();
        let call = Key::call_of(waiting.part.head());
        for key in [Some(waiting.part.key()), call].into_iter().flatten() {
            if self.places.get(&key) == Some(&place) {
                self.places.remove(&key);
            }
        }
        Some(waiting)
    }

    /// What went wrong since the last packet.
    pub(super) fn left(&mut self) -> Notes {
        std::mem::take(&mut self.loose)
    }
}
