// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clients that disappear while their reply is in flight.

use std::fs;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::{
    arena::hostile,
    client::Client,
    model::Tally,
    module::{self, PATIENCE},
    report::factor,
    sys::{self, become_nobody, thread_id},
    wire::Message,
};

/// One thread closes the socket while another sleeps in its `sendto()`: the kernel's own reference
/// keeps it alive until that returns, and the reply goes into a queue that is no longer reachable.
#[test]
fn closed_by_another_thread() {
    hostile(|| {
        module::with_delay(20_000, || {
            let caught = (0..50 * factor()).filter(|_| close_while_sending()).count();
            assert!(caught > 10, "only {caught} sockets were closed in time");
        });
        Tally::answered(50 * factor())
    });
}

/// Returns whether the sender was in the module when its socket was closed.
fn close_while_sending() -> bool {
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let client = Client::open();
        let number = client.socket.number();
        let sender = scope.spawn(move || {
            become_nobody();
            tell.send(thread_id()).expect("somebody listens");
            client.send(&Message::greeting(1, "Hello, and goodbye").bytes());
            // Already closed.
            std::mem::forget(client);
        });
        let id = told.recv().expect("the sender's number");
        let in_callback = wait_until_in_callback(id, || sender.is_finished());
        #[expect(
            unsafe_code,
            reason = "to close a descriptor under its user is what is tried"
        )]
        // SAFETY: the sender forgets its socket, so the descriptor is closed only here.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
        sender
            .join()
            .expect("a greeting from a socket closed under way");
        in_callback
    })
}

/// A process is killed while it sleeps in the callback: it must not wait out the delay, its reply
/// is sent nonetheless, and all resources are released.
#[test]
fn killed_while_in_the_callback() {
    hostile(|| {
        let delay = Duration::from_secs(1);
        let children = 5 * factor();
        let early = module::with_delay(1_000_000, || {
            let lives = (0..children).map(|_| kill_while_sending());
            lives.filter(|life| *life < delay).count()
        });
        // On a slow machine, one of these may take a whole second, but not all of them. If the
        // sleep could not be interrupted, no child would live for less than the delay.
        assert!(early > 0, "all {children} children slept to the end");
        crate::report::sent(children);
        Tally::answered(children)
    });
}

/// Returns how long the child lived.
fn kill_while_sending() -> Duration {
    let client = Client::open();
    let greeting = Message::greeting(1, "Remember me").bytes();
    let born = Instant::now();
    let child = sys::fork(|| u8::from(client.socket.send(&greeting).is_err()));
    wait_until_in_callback(child.id(), || false);
    child.kill();
    child.wait();
    let life = born.elapsed();
    // The socket is ours too, and so is the reply.
    client.take_answer(1);
    life
}

#[test]
fn in_use_while_in_the_callback() {
    hostile(|| {
        module::with_delay(1_000_000, || {
            let client = Client::open();
            let greeting = Message::greeting(1, "Do not leave").bytes();
            let child = sys::fork(|| u8::from(client.socket.send(&greeting).is_err()));
            // Now only the child's socket holds the module.
            drop(client);
            assert!(wait_until_in_callback(child.id(), || false));
            let error = sys::unload(module::NAME).expect_err("a callback is running");
            assert_eq!(error.raw_os_error(), Some(libc::EWOULDBLOCK));
            assert_eq!(child.wait(), Some(0), "the greeting is served to its end");
        });
        crate::report::sent(1);
        Tally::answered(1)
    });
}

/// Waits until the kernel stack of a task shows the module's callback; returns `false` if the task
/// is `over` first.
fn wait_until_in_callback(id: i32, over: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stack = fs::read_to_string(format!("/proc/{id}/stack")).unwrap_or_default();
        if stack.contains("netlink_recv_msg_fn") {
            return true;
        }
        if over() {
            return false;
        }
        assert!(
            Instant::now() < deadline,
            "task {id} is not in the callback: {stack}"
        );
    }
}
