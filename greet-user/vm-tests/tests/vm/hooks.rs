// SPDX-License-Identifier: MIT OR Apache-2.0
//! Both kinds of hooks see the same, on every kernel; so does a summary.

use std::{thread, time::Duration};

use greet_common::{Stage, wire::NETLINK_TEST_PROTOCOL};
use greet_trace::{
    Exchange, Status, Trace, TraceBuilder,
    event::Event,
    tracer::{Attached, Callbacks, Filter, Hooks, Plan, Tracer},
};
use greet_user::client;
use rustix::net::{RecvFlags, SendFlags, netlink::SocketAddrNetlink, recv, sendto};

use crate::{
    asleep,
    rejection::bare_socket,
    support::{CALLBACK, greet, greet_user, in_vm, json_lines, of_kind, open, stdout_of},
    watched::bare_greeting,
};

/// `NETLINK_USERSOCK`.
const USERSOCK: u32 = 2;
const BOTH: [Hooks; 2] = [Hooks::Fentry, Hooks::Kprobe];

fn greetings() -> TraceBuilder {
    Trace::builder().protocol(NETLINK_TEST_PROTOCOL)
}

fn attach(what: TraceBuilder, hooks: Hooks) -> Trace {
    let trace = what.hooks(hooks).start().expect("attaches");
    check(trace.attached(), hooks);
    trace
}

fn check(attached: &Attached, hooks: Hooks) {
    assert_eq!(attached.callback_of(NETLINK_TEST_PROTOCOL), Some(CALLBACK));
    assert_eq!(attached.missing, [""; 0]);
    let way = if hooks == Hooks::Fentry {
        "fentry:netlink_sendmsg"
    } else {
        "kprobe:netlink_sendmsg"
    };
    assert!(attached.hooks.contains(&way.to_owned()), "{attached:?}");
}

/// Everything that was seen by the end; nothing was missed.
fn seen(trace: Trace) -> (Vec<Exchange>, u64) {
    let (found, unmatched, missed) = seen_with_misses(trace);
    assert_eq!(missed, 0);
    (found, unmatched)
}

/// The same, with the number of calls that may have been missed.
fn seen_with_misses(mut trace: Trace) -> (Vec<Exchange>, u64, u64) {
    trace.stop().expect("detaches");
    let found = trace.take_all();
    let unseen = trace.unseen().expect("reads the counters");
    assert_eq!(unseen.events_dropped, 0);
    (found, trace.unmatched(), unseen.calls_missed)
}

#[test]
fn nine_stages_by_fentry_and_by_kprobe() {
    in_vm(async {
        for hooks in BOTH {
            let trace = attach(greetings(), hooks);
            let mut socket = open();
            greet(&mut socket, "Hello, how are you?").await;
            let (found, unmatched) = seen(trace);
            let [exchange] = found.as_slice() else {
                panic!("{} exchanges", found.len());
            };
            let stages: Vec<_> = exchange.stages().iter().map(|(stage, _)| *stage).collect();
            assert_eq!((stages, unmatched), (Stage::ALL.to_vec(), 0));
            let queued = &exchange.queued[0];
            let read = queued.delivery.as_ref().expect("was read");
            assert_eq!((read.result, read.head.pid), (272, std::process::id()));
            assert_eq!(queued.message.datagram.data.len(), 272);
        }
    });
}

#[test]
fn looking_before_reading_is_told_apart() {
    in_vm(async {
        for (hooks, what) in BOTH
            .into_iter()
            .flat_map(|hooks| [(hooks, greetings()), (hooks, greetings().summary())])
        {
            let trace = attach(what, hooks);
            let socket = bare_socket();
            let kernel = SocketAddrNetlink::new(0, 0);
            let mut message = bare_greeting("look first");
            message.push(0);
            let mut bytes = [0; 512];
            for flags in [RecvFlags::PEEK, RecvFlags::empty()] {
                if flags == RecvFlags::PEEK {
                    sendto(&socket, &message, SendFlags::empty(), &kernel).expect("sends");
                }
                recv(&socket, &mut bytes, flags).expect("receives");
            }
            let (found, unmatched) = seen(trace);
            let [exchange] = found.as_slice() else {
                panic!("{hooks:?}: {} exchanges", found.len());
            };
            let queued = &exchange.queued[0];
            assert_eq!((queued.peeks, unmatched), (1, 0), "{hooks:?}");
            assert_eq!(exchange.stages().len(), 9);
        }
    });
}

#[test]
fn a_full_queue_is_told_by_both() {
    const GREETINGS: u32 = 300;
    in_vm(async {
        for hooks in BOTH {
            let plan = Plan {
                hooks,
                ..Plan::default()
            };
            let filter = Filter::protocol(NETLINK_TEST_PROTOCOL);
            let mut tracer = Tracer::attach(&filter, &plan).expect("attaches");
            check(tracer.attached(), hooks);
            let mut socket = open();
            for _ in 0..GREETINGS {
                let sent = client::greet(&mut socket, "nobody reads", true).await;
                sent.expect("sends");
            }
            let (mut queued, mut overruns, mut failed) = (0, 0, 0);
            tracer.drain(usize::MAX, |event| match event {
                Event::Message(_) => queued += 1,
                Event::Loss(loss) => {
                    let errno = if loss.overrun == 1 { -105 } else { -11 };
                    assert_eq!((loss.result, loss.portid), (errno, socket.portid()));
                    overruns += loss.overrun;
                    failed += 1 - loss.overrun;
                }
                _ => {}
            });
            assert!(failed > 0, "{hooks:?}");
            assert_eq!(
                (queued + failed, overruns),
                (GREETINGS, failed),
                "{hooks:?}"
            );
        }
    });
}

#[test]
fn a_summary_counts_what_is_never_read_and_what_is_lost() {
    const GREETINGS: usize = 300;
    in_vm(async {
        for hooks in BOTH {
            let trace = attach(greetings().summary(), hooks);
            let mut socket = open();
            for _ in 0..GREETINGS {
                let sent = client::greet(&mut socket, "nobody reads", true).await;
                sent.expect("sends");
            }
            let (found, unmatched) = seen(trace);
            assert_eq!((found.len(), unmatched), (GREETINGS, 0), "{hooks:?}");
            let of = |status| {
                let all = found.iter();
                all.filter(|exchange| exchange.status() == status).count()
            };
            let (unread, lost) = (of(Status::Unread), of(Status::Lost));
            assert!(unread > 100 && lost > 0, "{hooks:?}: {unread}, {lost}");
            assert_eq!(unread + lost, GREETINGS, "{hooks:?}");
        }
    });
}

#[test]
fn a_summary_finds_the_reader_in_another_thread() {
    const GREETINGS: usize = 100;
    in_vm(async {
        for hooks in BOTH {
            let trace = attach(greetings().summary(), hooks);
            let socket = bare_socket();
            let reader = socket.try_clone().expect("another descriptor");
            let reader = thread::spawn(move || {
                for _ in 0..GREETINGS {
                    recv(&reader, &mut [0; 512], RecvFlags::empty()).expect("reads");
                }
            });
            let kernel = SocketAddrNetlink::new(0, 0);
            for _ in 0..GREETINGS {
                let mut message = bare_greeting("for the other thread");
                message.push(0);
                sendto(&socket, &message, SendFlags::empty(), &kernel).expect("sends");
                // The reader may or may not have read it before the next one is sent.
                thread::sleep(Duration::from_micros(300));
            }
            reader.join().expect("the reader does not fail");
            let (found, unmatched) = seen(trace);
            assert_eq!((found.len(), unmatched), (GREETINGS, 0), "{hooks:?}");
            for exchange in &found {
                assert_eq!(exchange.stages().len(), 9, "{hooks:?}");
                let read = exchange.queued[0].delivery.as_ref().expect("was read");
                let request = exchange.request.as_ref().expect("a request");
                assert_ne!(read.head.tid, request.head.tid, "another thread's");
            }
        }
    });
}

#[test]
fn a_summary_has_the_spans_of_every_greeting() {
    in_vm(async {
        for hooks in BOTH {
            let trace = attach(greetings().summary(), hooks);
            let mut socket = open();
            for _ in 0..50 {
                greet(&mut socket, "in short").await;
            }
            let (found, unmatched) = seen(trace);
            assert_eq!((found.len(), unmatched), (50, 0));
            assert!(found.iter().all(|found| found.stages().len() == 9));
        }
    });
}

/// A kretprobe has slots for ten calls in progress; fexit sees the calls that it misses, so the
/// number of misses is only an upper bound.
#[test]
fn more_blocked_calls_than_a_kretprobe_has_slots_are_seen() {
    const TASKS: usize = 15;
    in_vm(async {
        // With fentry only, a preemptible kernel would miss some.
        for hooks in [Hooks::Auto, Hooks::Kprobe] {
            let watching = || {
                let trace = Trace::builder().protocol(USERSOCK).hooks(hooks);
                let trace = trace.callbacks(Callbacks::Named(Vec::new()));
                trace.start().expect("attaches")
            };
            let trace = watching();
            let attached = trace.attached().clone();
            let is_short = |missing: &String| missing.contains("blocked calls");
            assert!(!attached.missing.iter().any(is_short), "{attached:?}");
            asleep::readers(TASKS);
            let (found, _, missed) = seen_with_misses(trace);
            let read = found.iter().filter(|exchange| {
                let stages = exchange.stages();
                stages.iter().any(|(stage, _)| *stage == Stage::Delivered)
            });
            let read = read.count();
            assert_eq!(read, TASKS, "{hooks:?}: {missed} missed by {attached:?}");

            let trace = watching();
            let filled = asleep::senders(TASKS);
            let (found, ..) = seen_with_misses(trace);
            let sent = found.iter().filter(|exchange| {
                let stages = exchange.stages();
                stages.iter().any(|(stage, _)| *stage == Stage::Sent)
            });
            // The sender that filled the queue was refused in the end.
            assert_eq!(sent.count(), filled + 1 + TASKS, "{hooks:?}: senders");
        }
    });
}

#[test]
fn the_kernels_own_callback_is_attached_to_when_it_is_asked_for() {
    in_vm(async {
        let trace = Trace::builder().protocol(0);
        let trace = trace.callbacks(Callbacks::Found { built_in: true });
        let trace = trace.start().expect("attaches");
        assert_eq!(trace.attached().callback_of(0), Some("rtnetlink_rcv"));
        drop(trace);
        let arguments = [
            "watch",
            "-p",
            "route",
            "--stages",
            "handle,handled",
            "--format",
            "json",
        ];
        let output = greet_user(&[&arguments[..], &["--", "ip", "link"]].concat());
        let lines = json_lines(&stdout_of(&output, 0));
        let exchanges = of_kind(&lines, "exchange");
        let handled: Vec<_> = exchanges
            .iter()
            .filter(|exchange| exchange["callback"] == "rtnetlink_rcv")
            .collect();
        assert!(!handled.is_empty(), "{exchanges:?}");
        assert!(handled[0]["spans"]["handler"].as_u64() > Some(0));
    });
}
