// SPDX-License-Identifier: MIT OR Apache-2.0
//! Short-lived network namespaces.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::{
    arena::hostile,
    client::Client,
    model::Tally,
    report::{factor, sent},
    sys::{self, become_nobody, in_new_namespace},
    wire::Message,
};

/// Namespaces created and left at factor 1.
const NAMESPACES: u64 = 40;
const GREETINGS: u32 = 20;

#[test]
fn made_and_left_under_traffic() {
    hostile(|| {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let traffic = scope.spawn(|| {
                become_nobody();
                greet_until(&done)
            });
            let inside = (0..NAMESPACES * factor()).map(|_| {
                in_new_namespace(greet_and_leave).expect("root can make a network namespace")
            });
            let inside: Tally = inside.sum();
            done.store(true, Ordering::Relaxed);
            inside
                + traffic
                    .join()
                    .expect("other namespaces do not disturb this one")
        })
    });
}

/// The namespace disappears with its last socket, which has replies in its queue.
fn greet_and_leave() -> Tally {
    become_nobody();
    let client = Client::open();
    let greeted: Tally = (0..GREETINGS).map(|seq| client.greet(seq)).sum();
    greeted + client.send(&Message::greeting(1, "I am leaving").bytes())
}

fn greet_until(done: &AtomicBool) -> Tally {
    let client = Client::open();
    let mut tally = Tally::default();
    while !done.load(Ordering::Relaxed) {
        tally += client.greet(7);
    }
    tally
}

/// As in a rootless container.
#[test]
fn made_without_privileges() {
    hostile(|| {
        let containers = 5 * factor();
        for _ in 0..containers {
            // Created before the fork: the child may do little more than system calls.
            let greeting = Message::greeting(1, "Hello from a container").bytes();
            let child = sys::fork(|| {
                become_nobody();
                let greeted = sys::in_new_user_namespace().and_then(|()| {
                    let client = Client::try_open()?;
                    client.socket.send(&greeting)?;
                    client.socket.receive(&mut [0; 512])
                });
                u8::from(!matches!(greeted, Ok((272, 0))))
            });
            assert_eq!(child.wait(), Some(0), "greeted and answered in a container");
        }
        sent(containers);
        Tally::answered(containers)
    });
}

/// The same port ID in two namespaces: each socket gets its own reply.
#[test]
fn the_same_port_in_two() {
    hostile(|| {
        let outside = Client::open();
        let tally = in_new_namespace(|| {
            // A process's first socket gets the PID as its port ID, in every namespace.
            let inside = Client::open();
            assert_eq!(inside.port, std::process::id());
            let tally = inside.greet(1);
            inside.expect_silence();
            tally
        });
        outside.expect_silence();
        tally.expect("root can make a network namespace") + outside.greet(2)
    });
}
