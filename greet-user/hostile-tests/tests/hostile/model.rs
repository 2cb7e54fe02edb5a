// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the module must do with a datagram: an independent implementation in Rust.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use greet_common::wire::{ALIGN_TO, Header, NLM_F_ACK};

/// The outcome of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has text and requests a reply, which carries its sequence number.
    Answer {
        /// `nlmsg_seq`.
        seq: u32,
    },
    /// It has text and requests no reply.
    NoAnswer,
    /// It is too short, misstates its length, or has no text.
    Refusal,
}

/// The fates of all messages in a datagram, in order.
///
/// No further message can be found after an invalid length: the rest is a single refusal.
pub fn fates(datagram: &[u8]) -> Vec<Fate> {
    let mut fates = Vec::new();
    let mut rest = datagram;
    while !rest.is_empty() {
        let Ok((header, payload)) = Header::split(rest) else {
            fates.push(Fate::Refusal);
            break;
        };
        fates.push(match payload.first() {
            None | Some(0) => Fate::Refusal,
            Some(_) if header.flags & NLM_F_ACK == 0 => Fate::NoAnswer,
            Some(_) => Fate::Answer { seq: header.seq },
        });
        let step = (header.len as usize).next_multiple_of(ALIGN_TO);
        rest = rest.get(step..).unwrap_or_default();
    }
    fates
}

/// Messages by outcome: the module's counters, or their expected values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All messages.
    pub received: u64,
    /// Replies queued for their client.
    pub answered: u64,
    /// Messages that requested no reply.
    pub unanswered: u64,
    /// Refused messages.
    pub refused: u64,
    /// Replies that could not be sent.
    pub answer_failed: u64,
}

impl Tally {
    /// The expected counters for `fates` if every reply gets through.
    pub fn of(fates: &[Fate]) -> Self {
        let mut tally = Self::default();
        for fate in fates {
            tally.received += 1;
            match fate {
                Fate::Answer { .. } => tally.answered += 1,
                Fate::NoAnswer => tally.unanswered += 1,
                Fate::Refusal => tally.refused += 1,
            }
        }
        tally
    }

    /// `count` messages, all answered.
    pub fn answered(count: u64) -> Self {
        Self {
            received: count,
            answered: count,
            ..Self::default()
        }
    }

    /// `count` messages whose reply could not be sent.
    pub fn failed(count: u64) -> Self {
        Self {
            received: count,
            answer_failed: count,
            ..Self::default()
        }
    }

    /// The sum of all outcomes: equals `received` if nothing is in flight.
    pub fn outcomes(self) -> u64 {
        self.answered + self.unanswered + self.refused + self.answer_failed
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            answered: self.answered + other.answered,
            unanswered: self.unanswered + other.unanswered,
            refused: self.refused + other.refused,
            answer_failed: self.answer_failed + other.answer_failed,
        }
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            received: self.received - earlier.received,
            answered: self.answered - earlier.answered,
            unanswered: self.unanswered - earlier.unanswered,
            refused: self.refused - earlier.refused,
            answer_failed: self.answer_failed - earlier.answer_failed,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, fates};
    use crate::wire::{Message, datagram};

    const ANSWER: Fate = Fate::Answer { seq: 1 };

    fn greeting() -> Message {
        Message::greeting(1, "hi")
    }

    #[test]
    fn padding_at_the_end_is_no_message() {
        let mut bytes = greeting().bytes();
        assert_eq!(fates(&bytes), [ANSWER], "18 bytes, no padding");
        bytes.resize(20, 0);
        assert_eq!(fates(&bytes), [ANSWER], "padded to 20 bytes");
        bytes.push(0);
        assert_eq!(fates(&bytes), [ANSWER, Fate::Refusal], "one byte too many");
    }

    #[test]
    fn empty_texts_are_refused_and_the_rest_is_read() {
        let empty = Message {
            payload: vec![],
            ..greeting()
        };
        let nul = Message {
            payload: vec![0, b'x'],
            ..greeting()
        };
        let mute = Message {
            flags: 0,
            ..greeting()
        };
        let bytes = datagram(&[greeting(), empty, nul, mute, greeting()]);
        let refused = Fate::Refusal;
        assert_eq!(
            fates(&bytes),
            [ANSWER, refused, refused, Fate::NoAnswer, ANSWER]
        );
    }

    #[test]
    fn a_lie_hides_what_follows() {
        for stated in [0, 15, 1000, u32::MAX] {
            let liar = Message {
                stated: Some(stated),
                ..greeting()
            };
            let bytes = datagram(&[greeting(), liar, greeting()]);
            assert_eq!(fates(&bytes), [ANSWER, Fate::Refusal]);
        }
        assert_eq!(fates(&[1; 15]), [Fate::Refusal]);
        assert_eq!(fates(&[]), []);
    }
}
