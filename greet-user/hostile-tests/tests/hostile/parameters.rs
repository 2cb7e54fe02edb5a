// SPDX-License-Identifier: MIT OR Apache-2.0
//! What root, and only root, can read and write.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use crate::{
    arena::{framed, hostile},
    client::Client,
    model::Tally,
    module,
    sys::{self, become_nobody},
    wire::{Message, datagram},
};

const COUNTERS: [&str; 5] = [
    "received",
    "answered",
    "unanswered",
    "refused",
    "answer_failed",
];

#[test]
fn delay_is_kept() {
    hostile(|| {
        let client = Client::open();
        let mut tally = Tally::default();
        for (microseconds, least) in [(50_000, 50), (1_000, 1)] {
            tally += module::with_delay(microseconds, || {
                let start = Instant::now();
                let tally = client.greet(1);
                let took = start.elapsed();
                assert!(
                    took >= Duration::from_millis(least),
                    "{microseconds} µs took {took:?}"
                );
                tally
            });
        }
        tally
    });
}

#[test]
fn delay_is_once_per_datagram() {
    hostile(|| {
        let client = Client::open();
        module::with_delay(100_000, || {
            let start = Instant::now();
            let tally = client.exchange(&datagram(&vec![Message::greeting(1, "hi"); 50]));
            let took = start.elapsed();
            assert!(took >= Duration::from_millis(100), "{took:?}");
            assert!(took < Duration::from_secs(3), "50 messages slept {took:?}");
            tally
        })
    });
}

#[test]
fn delay_out_of_range_is_refused() {
    hostile(|| {
        module::with_delay(7, || {
            for bad in [
                "2000000",
                "1000001",
                "-1",
                "99999999999999999999",
                "soon",
                "1 2",
                "",
            ] {
                // An empty write never reaches the kernel; the newline makes it non-empty.
                let refused = module::set_delay(&format!("{bad}\n"));
                assert!(refused.is_err(), "{bad:?} is accepted");
                assert_eq!(
                    module::number(&module::parameter("reply_delay_us")),
                    7,
                    "{bad:?}"
                );
            }
        });
        for good in ["1000000", "0"] {
            module::set_delay(good).expect("within the limits");
        }
        Tally::default()
    });
}

#[test]
fn files_belong_to_root() {
    hostile(|| {
        let mode = |name| {
            let file = fs::metadata(module::parameter(name)).expect("the parameter's file");
            file.permissions().mode() & 0o777
        };
        assert_eq!(mode("reply_delay_us"), 0o644);
        for counter in COUNTERS {
            assert_eq!(mode(counter), 0o444, "{counter}");
            fs::write(module::parameter(counter), "0").expect_err("not even root sets a counter");
        }
        std::thread::scope(|scope| {
            let nobody = scope.spawn(|| {
                become_nobody();
                let refused = module::set_delay("1").expect_err("nobody sets no delay");
                assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
            });
            nobody.join().expect("the delay is root's");
        });
        Tally::default()
    });
}

#[test]
fn wrong_at_load_time() {
    framed(|_| {
        module::unload();
        for wrong in [
            "reply_delay_us=2000000",
            "reply_delay_us=-1",
            "received=1",
            "refused=x",
        ] {
            let error = sys::load(module::FILE, wrong).expect_err(wrong);
            let code = error.raw_os_error();
            assert!(
                code == Some(libc::EINVAL) || code == Some(libc::EPERM),
                "{wrong}: {error}"
            );
            assert!(!module::is_loaded());
        }
        sys::load(module::FILE, "reply_delay_us=1000000").expect("the longest delay");
        assert_eq!(
            module::number(&module::parameter("reply_delay_us")),
            1_000_000
        );
        module::set_delay("0").expect("no delay");
    });
}
