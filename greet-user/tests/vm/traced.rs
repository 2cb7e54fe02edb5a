// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tracer as a library, with traffic that `greet-user` does not make.

use std::{process, thread};

use greet_common::{
    Stage,
    wire::{NETLINK_TEST_PROTOCOL, NLMSG_GREET},
};
use greet_user::{
    client::{self, KernelSocket, receive_answer, send_netlink_message_to_kernel},
    event::{Direction, Event, Message},
    journey::{Exchange, Journey},
    tracer::{Filter, Tracer},
};
use rustix::net::{SendFlags, netlink::SocketAddrNetlink, sendto};

use crate::{
    rejection::{bare_socket, forged_answer},
    support::{CALLBACK, GREETING, PATIENCE, greet, greet_user, in_vm, open, stdout_of},
};

/// Watches this process's greetings only.
const OURS: Filter<'_> = Filter {
    protocol: Some(NETLINK_TEST_PROTOCOL),
    pid: None,
    callback: CALLBACK,
};

fn attach(protocol: Option<u32>, pid: Option<u32>) -> Tracer {
    let filter = Filter {
        protocol,
        pid,
        ..OURS
    };
    Tracer::attach(&filter).expect("attaches")
}

/// What the tracer has. All that happened in our own calls is there: the programs run
/// inside them.
fn events(tracer: &mut Tracer) -> Vec<Event> {
    let mut events = Vec::new();
    tracer.drain(|event| events.push(event));
    assert_eq!(tracer.dropped().expect("reads the counters"), 0);
    events
}

fn exchanges(events: Vec<Event>) -> Vec<Exchange> {
    let mut journey = Journey::default();
    let ended: Vec<_> = events
        .into_iter()
        .filter_map(|event| journey.push(event))
        .collect();
    assert_eq!((journey.finish().len(), journey.unmatched()), (0, 0));
    ended
}

fn text(message: Option<&Message>) -> &str {
    message.and_then(Message::text).expect("text")
}

#[test]
fn another_process_is_not_seen() {
    in_vm(async {
        let mut tracer = attach(Some(NETLINK_TEST_PROTOCOL), Some(process::id()));
        stdout_of(&greet_user(&["-c", "5", "-i", "0"]), 0);
        let mut socket = open();
        greet(&mut socket, "it's me").await;
        let seen = events(&mut tracer);
        assert_eq!(seen.len(), 6);
        assert!(seen.iter().all(|event| event.pid == process::id()));
    });
}

#[test]
fn another_process_is_seen_if_asked_for() {
    in_vm(async {
        let mut tracer = attach(Some(NETLINK_TEST_PROTOCOL), None);
        stdout_of(&greet_user(&["-c", "5", "-i", "0"]), 0);
        let seen = exchanges(events(&mut tracer));
        assert_eq!(seen.len(), 5);
        for exchange in seen {
            assert!(exchange.complete);
            assert_ne!(exchange.events[0].pid, process::id());
            assert_eq!(exchange.request().expect("a request").comm, b"greet-user");
        }
    });
}

/// A request to rtnetlink for a link that does not exist: answered with an error.
async fn ask_rtnetlink() {
    const RTM_GETLINK: u16 = 18;
    const INDEX: i32 = 0x7fff_fff0;
    let mut socket = KernelSocket::open(0).expect("rtnetlink is always there");
    let mut ifinfomsg = [0; 16];
    ifinfomsg[4..8].copy_from_slice(&INDEX.to_ne_bytes());
    let sent = send_netlink_message_to_kernel(&mut socket, &ifinfomsg, RTM_GETLINK, GREETING);
    let sent = sent.await.expect("sends");
    let error = receive_answer(&socket, &sent, PATIENCE)
        .await
        .expect_err("no such link");
    assert!(
        matches!(error, client::ClientError::Refused { errno: -19 }),
        "{error}"
    );
}

#[test]
fn other_protocols_are_seen_only_if_asked_for() {
    in_vm(async {
        let mut one = attach(Some(NETLINK_TEST_PROTOCOL), Some(process::id()));
        ask_rtnetlink().await;
        assert_eq!(events(&mut one), []);
        drop(one);
        let mut all = attach(None, Some(process::id()));
        ask_rtnetlink().await;
        let seen = events(&mut all);
        let stages: Vec<_> = seen.iter().map(|event| event.stage).collect();
        assert_eq!(
            stages,
            [Stage::Cross, Stage::Reply, Stage::Replied, Stage::Crossed]
        );
        let messages = || seen.iter().filter_map(Event::message);
        assert!(messages().all(|message| message.protocol == 0));
        assert!(messages().all(|message| message.netns != 0));
    });
}

#[test]
fn threads_are_not_mixed_up() {
    const THREADS: usize = 4;
    const GREETINGS: usize = 50;
    in_vm(async {
        let mut tracer = attach(Some(NETLINK_TEST_PROTOCOL), Some(process::id()));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                thread::spawn(|| {
                    in_vm(async {
                        let mut socket = open();
                        let portid = socket.portid();
                        for greeting in 1..=GREETINGS {
                            greet(&mut socket, &format!("port {portid} greeting {greeting}")).await;
                        }
                    });
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no thread failed");
        }
        let seen = events(&mut tracer);
        // On a preemptible kernel two threads can meet in one program: then it misses a
        // call, and says so. Nothing is lost beyond that, and nothing is mixed up.
        let missed = usize::try_from(tracer.missed().expect("reads the counters")).expect("few");
        println!("{missed} calls missed");
        assert_eq!(seen.len() + missed, 6 * THREADS * GREETINGS);
        let mut journey = Journey::default();
        let seen: Vec<_> = seen
            .into_iter()
            .filter_map(|event| journey.push(event))
            .collect();
        let whole = |exchange: &&Exchange| exchange.complete && exchange.events.len() == 6;
        assert!(seen.iter().filter(whole).count() + missed >= THREADS * GREETINGS);
        for exchange in seen.iter().filter(whole) {
            let request = exchange.request().expect("a request");
            let header = request.header().expect("a header");
            let expected = format!("port {} greeting {}", request.portid, header.seq);
            assert_eq!(text(Some(request)), expected);
            let replies: Vec<_> = exchange.replies().collect();
            let [reply] = replies.as_slice() else {
                panic!("{} replies", replies.len());
            };
            let answer = reply.event.message().expect("a message");
            assert_eq!(answer.peer_portid, request.portid);
            assert_eq!(answer.header().expect("a header").seq, header.seq);
            assert!(text(Some(answer)).contains(&format!("process {} ", request.portid)));
            assert_eq!(reply.result, Some(272));
            let times: Vec<_> = exchange.events.iter().map(|event| event.time_ns).collect();
            assert!(times.is_sorted(), "{times:?}");
        }
    });
}

#[test]
fn a_message_to_nobody_fails_and_says_so() {
    const NOBODY: u32 = 0x8000_0001;
    in_vm(async {
        let mut tracer = attach(Some(NETLINK_TEST_PROTOCOL), Some(process::id()));
        let sender = bare_socket();
        let to = SocketAddrNetlink::new(NOBODY, 0);
        sendto(&sender, &forged_answer(7), SendFlags::empty(), &to).expect_err("nobody is there");
        let seen = exchanges(events(&mut tracer));
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].result(), Some(-111));
        let message = seen[0].request().expect("a request");
        assert_eq!(message.direction(), Direction::UserToUser);
        assert_eq!(message.peer_portid, NOBODY);
        assert_eq!(seen[0].stage(Stage::Handle), None);
    });
}

#[test]
fn a_long_message_is_cut_and_its_length_is_kept() {
    in_vm(async {
        let mut tracer = attach(Some(NETLINK_TEST_PROTOCOL), Some(process::id()));
        let mut socket = open();
        for len in [255, 256, 257, 5_000, 100_000] {
            let payload = vec![b'x'; len];
            let sent = send_netlink_message_to_kernel(&mut socket, &payload, NLMSG_GREET, GREETING);
            let sent = sent.await.expect("sends");
            receive_answer(&socket, &sent, PATIENCE)
                .await
                .expect("is answered");
            let seen = events(&mut tracer);
            for stage in [Stage::Cross, Stage::Handle] {
                let event = seen
                    .iter()
                    .find(|event| event.stage == stage)
                    .expect("was seen");
                let message = event.message().expect("carries the message");
                assert_eq!(message.len as usize, 16 + len, "{stage}");
                assert_eq!(message.payload(), &payload[..len.min(256)], "{stage}");
                assert_eq!(message.portid, socket.portid(), "{stage}");
                assert_eq!(
                    message.header().map(|header| header.seq),
                    Some(sent.seq),
                    "{stage}"
                );
            }
        }
    });
}

#[test]
fn short_and_lying_messages_are_seen_as_they_are() {
    in_vm(async {
        let mut tracer = attach(Some(NETLINK_TEST_PROTOCOL), Some(process::id()));
        let sender = bare_socket();
        let kernel = SocketAddrNetlink::new(0, 0);
        let lie = [0xff; 20];
        for bytes in [&[1_u8][..], &[1; 15], &lie] {
            sendto(&sender, bytes, SendFlags::empty(), &kernel).expect("sends");
            let seen = exchanges(events(&mut tracer));
            assert_eq!(seen.len(), 1);
            let message = seen[0].request().expect("a message");
            assert_eq!(
                (message.len as usize, message.data.as_slice()),
                (bytes.len(), bytes)
            );
            assert_eq!(message.header().is_some(), bytes.len() >= 16);
        }
    });
}

#[test]
fn every_record_that_is_lost_is_counted() {
    const GREETINGS: u64 = 4_000;
    in_vm(async {
        let mut tracer = attach(Some(NETLINK_TEST_PROTOCOL), Some(process::id()));
        let mut socket = open();
        // Nobody reads meanwhile: the ring buffer holds about 1,700 greetings.
        for _ in 0..GREETINGS {
            greet(&mut socket, "more and more").await;
        }
        let mut seen = 0;
        tracer.drain(|_| seen += 1);
        let dropped = tracer.dropped().expect("reads the counters");
        assert!(seen > 0 && dropped > 0, "{seen} seen, {dropped} dropped");
        assert_eq!(seen + dropped, 6 * GREETINGS);
        // Once there is room again, nothing more is lost.
        greet(&mut socket, "and now").await;
        let mut seen = 0;
        tracer.drain(|_| seen += 1);
        assert_eq!((seen, tracer.dropped().expect("reads")), (6, dropped));
    });
}
