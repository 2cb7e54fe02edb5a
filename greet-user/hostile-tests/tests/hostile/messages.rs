// SPDX-License-Identifier: MIT OR Apache-2.0
//! All kinds of messages, from an unprivileged program.

use std::thread;

use fastrand::Rng;
use greet_common::wire::NLM_F_ACK;

use crate::{
    arena::hostile,
    client::Client,
    model::Tally,
    mutate::{self, LONGEST, Ports},
    report::{factor, rng},
    sys::become_nobody,
    wire::{Message, datagram},
};

/// Datagrams in the random test, at factor 1; each may contain several messages.
const DATAGRAMS: u64 = 100_000;
const THREADS: u64 = 4;
/// Messages per datagram in bulk tests; their replies fit into a receive buffer.
const BATCH: usize = 64;

#[test]
fn random_and_mutated() {
    hostile(|| {
        let bystander = Client::open();
        let tally = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let rng = rng("random", thread);
                    let port = bystander.port;
                    scope.spawn(move || send_random(rng, port, DATAGRAMS * factor() / THREADS))
                })
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined
                .map(|tally| tally.expect("all messages fare as predicted"))
                .sum()
        });
        bystander.expect_silence();
        assert_varied(tally);
        tally
    });
}

fn send_random(mut rng: Rng, bystander: u32, datagrams: u64) -> Tally {
    become_nobody();
    let client = Client::open();
    let own = client.port;
    let mut tally = Tally::default();
    for _ in 0..datagrams {
        let ports = Ports { own, bystander };
        tally += client.exchange(&mutate::any(&mut rng, ports));
    }
    client.expect_silence();
    tally
}

/// Mutations that only ever produced one kind of message would prove little.
fn assert_varied(tally: Tally) {
    let tenth = tally.received / 10;
    let kinds = [tally.answered, tally.unanswered, tally.refused];
    assert!(kinds.iter().all(|&kind| kind > tenth), "{tally:?}");
}

#[test]
fn every_length_and_lies_around_it() {
    hostile(|| {
        as_nobody(|client| {
            let mut tally = Tally::default();
            let longest = Message::greeting(1, vec![b'x'; LONGEST - 16]).bytes();
            for length in 1..=LONGEST {
                let mut bytes = longest[..length].to_vec();
                let truth = u32::try_from(length).expect("a small number");
                let near = [0, 1, 3, 4, 15, 16, 17].map(|more| truth + more);
                let below = [1, 3, 4, 15, 16, 17].map(|less| truth.wrapping_sub(less));
                let far = [
                    0,
                    1,
                    15,
                    16,
                    17,
                    1 << 16,
                    i32::MAX as u32,
                    1 << 31,
                    u32::MAX,
                ];
                for stated in near.into_iter().chain(below).chain(far) {
                    let field = bytes.len().min(4);
                    bytes[..field].copy_from_slice(&stated.to_ne_bytes()[..field]);
                    tally += client.exchange(&bytes);
                }
            }
            tally
        })
    });
}

#[test]
fn every_type_and_every_flag() {
    hostile(|| {
        as_nobody(|client| {
            let all: Vec<u16> = (0..=u16::MAX).collect();
            let mut tally = Tally::default();
            for values in all.chunks(BATCH) {
                let sound = |&value: &u16| Message::greeting(u32::from(value), "Hello");
                let types = values.iter().map(|kind| Message {
                    kind: *kind,
                    ..sound(kind)
                });
                tally += client.exchange(&datagram(&types.collect::<Vec<_>>()));
                let flags = values.iter().map(|flags| Message {
                    flags: *flags,
                    ..sound(flags)
                });
                tally += client.exchange(&datagram(&flags.collect::<Vec<_>>()));
            }
            tally
        })
    });
}

#[test]
fn one_bad_among_good() {
    hostile(|| {
        as_nobody(|client| {
            let good = |seq| Message::greeting(seq, format!("number {seq}"));
            let lies = [0, 1, 15, 999, u32::MAX].map(Some);
            let liars = lies.map(|stated| Message { stated, ..good(99) });
            let empty = ["", "\0", "\0hidden"].map(|text| Message::greeting(99, text));
            let mute = [0, !NLM_F_ACK].map(|flags| Message { flags, ..good(99) });
            let mut tally = Tally::default();
            for bad in liars.iter().chain(&empty).chain(&mute) {
                for place in 0..9 {
                    let mut messages: Vec<Message> = (0..8).map(good).collect();
                    messages.insert(place, bad.clone());
                    tally += client.exchange(&datagram(&messages));
                }
            }
            tally
        })
    });
}

#[test]
fn forged_ports_change_nothing() {
    hostile(|| {
        let bystander = Client::open();
        let port = bystander.port;
        let tally = as_nobody(|client| {
            let nobody = 0x7fff_fff0;
            let names = [0, 1, client.port, port, nobody, 1 << 31, u32::MAX];
            let forged = |portid| Message {
                portid,
                ..Message::greeting(5, "It was not me")
            };
            (0..200 * factor())
                .flat_map(|_| names.map(|portid| client.exchange(&forged(portid).bytes())))
                .sum()
        });
        bystander.expect_silence();
        tally
    });
}

#[test]
fn a_datagram_full_of_the_smallest_messages() {
    hostile(|| {
        as_nobody(|client| {
            // 17 bytes each, no replies: as many as fit into a send buffer of the default size.
            let smallest = Message {
                flags: 0,
                ..Message::greeting(0, "x")
            };
            let many = datagram(&vec![smallest; 10_000]);
            (0..10 * factor()).map(|_| client.exchange(&many)).sum()
        })
    });
}

/// Runs `body` with an unprivileged client.
fn as_nobody(body: impl FnOnce(&Client) -> Tally + Send) -> Tally {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            become_nobody();
            let client = Client::open();
            let tally = body(&client);
            client.expect_silence();
            tally
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
