// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much memory is used by messages held in open exchanges and in calls that have not ended: any
//! process can send them, and need not read the replies.

use std::mem::size_of;

use super::Queued;
use crate::event::{Datagram, Extack, Loss};

/// The most bytes that may be held.
const MOST: usize = 64 << 20;

/// Bytes that are held.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Held(usize);

impl Held {
    pub(super) fn add(&mut self, datagram: &Datagram) {
        self.0 += weight(datagram);
    }

    pub(super) fn remove(&mut self, datagram: &Datagram) {
        self.0 -= weight(datagram);
    }

    /// The same for losses and extended ACKs: a datagram may hold thousands of requests that each
    /// have one.
    pub(super) const fn add_notes(&mut self, losses: usize, extacks: usize) {
        self.0 += notes(losses, extacks);
    }

    pub(super) const fn remove_notes(&mut self, losses: usize, extacks: usize) {
        self.0 -= notes(losses, extacks);
    }

    pub(super) const fn is_too_much(&self) -> bool {
        self.0 > MOST
    }
}

const fn notes(losses: usize, extacks: usize) -> usize {
    losses * size_of::<Loss>() + extacks * size_of::<Extack>()
}

/// An empty one takes memory, too.
fn weight(datagram: &Datagram) -> usize {
    datagram.data.len() + size_of::<Queued>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Event, samples::greeting},
        journey::{Journey, Update},
    };

    /// A reply that is never read, of as many bytes as can be captured.
    #[test]
    fn who_never_reads_cannot_fill_the_memory() {
        let mut journey = Journey::new(true);
        let (mut told, mut sent) = (0, 0_u64);
        let most = u64::try_from(MOST / (1 << 16)).expect("it fits");
        for number in 1..=2 * most {
            for mut event in greeting(71, u32::try_from(number).expect("few"), number * 1_000_000) {
                match &mut event {
                    Event::Delivery(_) => continue,
                    Event::Message(message) => {
                        message.skb = number;
                        message.datagram.data = vec![0; 1 << 16].into();
                    }
                    _ => {}
                }
                journey.push(event, &mut |each| {
                    told += u64::from(matches!(each, Update::Exchange(_)))
                });
            }
            sent += 1;
            assert!(journey.held.0 <= MOST, "{} bytes", journey.held.0);
        }
        assert!(
            told > most - 8 && told == journey.cut_short(),
            "{told} of {sent}"
        );
        // The same without an end of their calls, as in a crafted recording.
        for number in 1..=2 * most {
            let [mut message, ..] = greeting(u32::try_from(number).expect("few"), 1, number);
            if let Event::Message(message) = &mut message {
                message.skb = 3 * most + number;
                message.datagram.data = vec![0; 1 << 16].into();
            }
            journey.push(message, &mut |each| {
                told += u64::from(matches!(each, Update::Exchange(_)));
            });
            sent += 1;
            assert!(journey.held.0 <= MOST, "{} bytes", journey.held.0);
        }
        journey.finish(&mut |each| told += u64::from(matches!(each, Update::Exchange(_))));
        assert_eq!((told, journey.held.0), (sent, 0), "each is told once");
    }
}
