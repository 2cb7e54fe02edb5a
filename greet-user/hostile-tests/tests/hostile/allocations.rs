// SPDX-License-Identifier: MIT OR Apache-2.0
//! Allocation failures.
//!
//! Distribution kernels have no fault injection, and small allocations do not fail on their own
//! there. So `greet_fault.ko` makes a kernel function return NULL to our module only, on every
//! kernel; if the kernel has failslab, each allocation along a message's path fails in turn.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::{
    arena::{framed, hostile},
    client::Client,
    kernel_log::KernelLog,
    leftovers,
    model::Tally,
    module::{self, PATIENCE},
    report::{factor, note, sent},
    sys,
    wire::Message,
};

const FILE: &str = "/lib/greet/greet_fault.ko";
const FAILSLAB: &str = "/sys/kernel/debug/failslab";

/// Makes a kernel function fail when the module calls it, until dropped.
struct Fault;

impl Fault {
    fn new(parameters: &str) -> Self {
        sys::load(FILE, parameters)
            .unwrap_or_else(|error| panic!("greet_fault.ko {parameters}: {error}"));
        Self
    }

    /// The number of calls that have failed.
    fn failed(&self) -> u64 {
        module::number(Path::new("/sys/module/greet_fault/parameters/failed"))
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        sys::unload("greet_fault").expect("nobody uses greet_fault");
    }
}

#[test]
fn of_the_answer() {
    hostile(|| {
        note("failing allocations: greet_fault.ko, a kprobe that returns NULL".to_owned());
        let times = 2_000 * factor();
        let fault = Fault::new(&format!("function=__alloc_skb times={times}"));
        let client = Client::open();
        for _ in 0..times {
            client.send(&Message::greeting(1, "Is there memory?").bytes());
            client.expect_silence();
        }
        assert_eq!(fault.failed(), times);
        Tally::failed(times) + client.greet(2)
    });
}

/// Each allocation in `sendto()` fails in turn: those for the request, for the reply, and for
/// queueing the reply.
#[test]
fn each_in_turn_where_the_kernel_can() {
    hostile(|| {
        let can = Path::new(FAILSLAB).exists();
        // A debugging kernel without failslab would test less than it claims.
        assert_eq!(can, leftovers::is_debugging_kernel(), "{FAILSLAB}");
        if !can {
            note("failslab: not in this kernel, greet_fault.ko alone".to_owned());
            // Fails one of the module's own allocations, after each number of successful ones.
            return (0..20).map(fail_one_after).sum();
        }
        fs::write(format!("{FAILSLAB}/ignore-gfp-wait"), "0").expect("failslab");
        fs::write(format!("{FAILSLAB}/verbose"), "0").expect("failslab");
        let (tally, failed) = (0..100 * factor())
            .map(|_| fail_each())
            .fold((Tally::default(), 0), |(all, sum), (tally, n)| {
                (all + tally, sum + n)
            });
        assert!(failed > 100, "failslab has failed {failed} allocations");
        note(format!(
            "failslab: {failed} allocations failed, each in its turn"
        ));
        tally
    });
}

fn fail_one_after(good: u64) -> Tally {
    let fault = Fault::new(&format!("function=__alloc_skb skip={good} times=1"));
    let client = Client::open();
    let before: Tally = (0..good).map(|_| client.greet(1)).sum();
    client.send(&Message::greeting(2, "Is there memory?").bytes());
    client.expect_silence();
    assert_eq!(fault.failed(), 1);
    before + Tally::failed(1) + client.greet(3)
}

/// Sends one message for each allocation on its path; returns the counters and the number of
/// failures.
fn fail_each() -> (Tally, u64) {
    let client = Client::open();
    let greeting = Message::greeting(1, "Is there memory?").bytes();
    let nth_file = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/proc/thread-self/fail-nth")
        .expect("the kernel can fail the nth allocation of a task");
    let mut tally = Tally::default();
    for nth in 1.. {
        nth_file
            .write_all_at(nth.to_string().as_bytes(), 0)
            .expect("setting fail-nth");
        let result = client.socket.send(&greeting);
        let mut left = [0; 16];
        let length = nth_file.read_at(&mut left, 0).expect("reading fail-nth");
        nth_file.write_all_at(b"0", 0).expect("clearing fail-nth");
        let has_failed = left[..length].trim_ascii() == b"0";

        match result {
            Ok(()) => {
                sent(1);
                let answer = client.socket.receive(&mut [0; 512]);
                tally += if answer.is_ok() {
                    Tally::answered(1)
                } else {
                    Tally::failed(1)
                };
            }
            // The allocation of the request failed: the module has not seen it.
            Err(error) => assert!(has_failed, "no allocation failed, but {error}"),
        }
        if !has_failed {
            return (tally, nth - 1);
        }
    }
    unreachable!("a message takes a finite number of allocations")
}

#[test]
fn of_the_socket_at_load_time() {
    framed(|_| {
        module::unload();
        let mut log = KernelLog::from_now();
        for _ in 0..10 {
            let fault = Fault::new("function=__netlink_kernel_create");
            let error = sys::load(module::FILE, "").expect_err("no socket can be made");
            assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
            assert_eq!(fault.failed(), 1);
            let lines = log.lines();
            assert!(
                lines
                    .iter()
                    .any(|line| line.contains("not listening: error -12")),
                "{lines:?}"
            );
        }
        module::load();
    });
}

#[test]
fn of_the_socket_of_a_new_namespace() {
    hostile(|| {
        let fault = Fault::new("function=__netlink_kernel_create");
        let error = sys::in_new_namespace(|| ()).expect_err("no socket can be made in it");
        assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
        assert_eq!(fault.failed(), 1);
        drop(fault);
        let tally = sys::in_new_namespace(|| Client::open().greet(1));
        tally.expect("the next one has its socket")
    });
}

/// Loading fails in the second namespace while a client in the first holds the module: the module
/// must not be freed under that client.
#[test]
fn at_load_time_with_a_client_already_there() {
    framed(|_| {
        module::unload();
        thread::scope(|scope| {
            let (made, wait_until_made) = mpsc::channel();
            let (leave, stay) = mpsc::channel::<()>();
            scope.spawn(move || {
                let second = sys::in_new_namespace(move || {
                    made.send(()).expect("somebody waits for it");
                    // Blocks until `leave` is dropped.
                    stay.recv().expect_err("nothing is ever sent");
                });
                second.expect("root can make a network namespace");
            });
            wait_until_made.recv().expect("a second namespace");
            load_fails_beside(first_client);
            drop(leave);
        });
        module::load();
    });
}

/// Makes the second namespace fail half a second after the first got its socket.
fn load_fails_beside(first_client: impl FnOnce() -> Client) {
    let fault = Fault::new("function=__netlink_kernel_create skip=1 delay_ms=500");
    let client = thread::scope(|scope| {
        let loading = scope.spawn(|| sys::load(module::FILE, ""));
        let client = first_client();
        loading
            .join()
            .expect("loading")
            .expect("stays for its client");
        client
    });
    assert_eq!(fault.failed(), 1);

    let error = sys::unload(module::NAME).expect_err("the client holds it");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let error = client
        .socket
        .send(&Message::greeting(1, "Anybody?").bytes());
    let error = error.expect_err("no socket is left");
    assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
    drop(client);
    module::unload();
}

/// The first client to get a socket while the module is being loaded.
fn first_client() -> Client {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(client) = Client::try_open() {
            return client;
        }
        assert!(Instant::now() < deadline, "the module never comes");
    }
}
