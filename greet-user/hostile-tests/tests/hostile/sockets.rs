// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many sockets, and readers that never read.

use std::thread;

use crate::{
    arena::hostile, client::Client, model::Tally, report::factor, sys::become_nobody, wire::Message,
};

const THREADS: u32 = 8;
const SOCKETS_PER_THREAD: u32 = 8;
/// More replies than a receive buffer of the default size holds (237 on 6.12).
const UNREAD: u32 = 2_000;

#[test]
fn sixty_four_from_eight_threads() {
    hostile(|| {
        let rounds = 250 * u32::try_from(factor()).expect("a small factor");
        in_threads(THREADS, |thread| {
            let clients: Vec<Client> = (0..SOCKETS_PER_THREAD).map(|_| Client::open()).collect();
            let mut tally = Tally::default();
            for round in 0..rounds {
                // Each has a reply waiting before the first one is read.
                for client in &clients {
                    let text = format!("thread {thread}, round {round}, port {}", client.port);
                    tally += client.send(&Message::greeting(round, text).bytes());
                }
                clients.iter().for_each(|client| client.take_answer(round));
            }
            clients.iter().for_each(Client::expect_silence);
            tally
        })
    });
}

#[test]
fn readers_that_never_read() {
    hostile(|| {
        let unread = UNREAD * u32::try_from(factor()).expect("a small factor");
        in_threads(4, |_| fill_the_queue(&Client::open(), unread))
    });
}

#[test]
fn readers_with_the_smallest_buffer() {
    hostile(|| {
        in_threads(4, |_| {
            let client = Client::open();
            client.socket.set_buffer(libc::SO_RCVBUF, 0);
            (0..10).map(|_| fill_the_queue(&client, 200)).sum()
        })
    });
}

/// Sends without reading until replies are lost, then reads what is queued.
///
/// The queue fills up at some reply and accepts no more until it has been emptied: it contains the
/// first replies, without gaps.
fn fill_the_queue(client: &Client, unread: u32) -> Tally {
    for seq in 0..unread {
        client.send(&Message::greeting(seq, "I never listen").bytes());
    }
    client.expect_error(libc::ENOBUFS);
    let mut queued = 0;
    while client.socket.receive(&mut [0; 512]).is_ok() {
        queued += 1;
    }
    client.expect_silence();
    assert!(
        0 < queued && queued < unread,
        "{queued} of {unread} answers fit"
    );
    let lost = u64::from(unread - queued);
    // Afterwards the socket works as before.
    Tally::answered(queued.into()) + Tally::failed(lost) + client.greet(unread)
}

/// Runs `body` in unprivileged threads, concurrently.
fn in_threads(count: u32, body: impl Fn(u32) -> Tally + Sync) -> Tally {
    thread::scope(|scope| {
        let body = &body;
        let start = move |thread| {
            scope.spawn(move || {
                become_nobody();
                body(thread)
            })
        };
        let threads: Vec<_> = (0..count).map(start).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .map(|tally| tally.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .sum()
    })
}
