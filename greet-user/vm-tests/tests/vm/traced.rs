// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tracer as a library, with traffic that `greet-user` does not generate.

use std::{borrow::Cow, process, rc::Rc, thread};

use greet_common::{
    Stage,
    wire::{NETLINK_TEST_PROTOCOL, NLMSG_GREET},
};
use greet_trace::{
    event::{Datagram, Direction, Event, comm},
    journey::{Exchange, Journey, Status, Update},
    tracer::{Filter, Plan, Tracer},
};
use greet_user::client::{self, ClientSocket, receive_answer, send_netlink_message_to_kernel};
use rustix::net::{SendFlags, netlink::SocketAddrNetlink, sendto};

use crate::{
    rejection::{bare_socket, forged_answer},
    support::{GREETING, PATIENCE, greet, greet_user, in_vm, open, stdout_of},
};

fn attach(filter: &Filter) -> Tracer {
    Tracer::attach(filter, &Plan::default()).expect("attaches")
}

/// Watches only this process's greetings.
fn ours() -> Filter {
    Filter::protocol(NETLINK_TEST_PROTOCOL).of_process(process::id())
}

/// The tracer's pending events. Everything that happened in our own calls is among them: the
/// programs run inside those calls.
fn events(tracer: &mut Tracer) -> Vec<Event> {
    let mut events = Vec::new();
    tracer.drain(usize::MAX, |event| events.push(event));
    assert_eq!(tracer.dropped().expect("reads the counters"), 0);
    events
}

fn exchanges(events: Vec<Event>) -> Vec<Exchange> {
    let mut journey = Journey::new(true);
    let mut ended = Vec::new();
    let mut keep = |update: Update<'_>| {
        if let Update::Exchange(exchange) = update {
            ended.push(Rc::unwrap_or_clone(exchange));
        }
    };
    for event in events {
        journey.push(event, &mut keep);
    }
    journey.finish(&mut keep);
    assert_eq!(journey.unmatched(), 0);
    ended
}

fn asked(exchange: &Exchange) -> &Datagram {
    &exchange.request.as_ref().expect("a request").datagram
}

fn text(datagram: &Datagram) -> Cow<'_, str> {
    datagram.text().expect("text")
}

fn head_of(event: &Event) -> (u32, &[u8]) {
    let head = match event {
        Event::Request(request) => &request.head,
        Event::Message(message) => &message.head,
        Event::Delivery(delivery) => &delivery.head,
        Event::Loss(loss) => &loss.head,
        Event::Extack(extack) => &extack.head,
        Event::Close(close) => &close.head,
    };
    (head.pid, comm(head))
}

#[test]
fn another_process_is_not_seen() {
    in_vm(async {
        let mut tracer = attach(&ours());
        stdout_of(&greet_user(&["-c", "5", "-i", "0"]), 0);
        let mut socket = open();
        greet(&mut socket, "it's me").await;
        let seen = events(&mut tracer);
        // A request, its reply when queued and when read, and the read call.
        assert_eq!(seen.len(), 4);
        assert!(seen.iter().all(|event| head_of(event).0 == process::id()));
    });
}

#[test]
fn another_process_is_seen_if_asked_for() {
    in_vm(async {
        let mut tracer = attach(&Filter::protocol(NETLINK_TEST_PROTOCOL));
        stdout_of(&greet_user(&["-c", "5", "-i", "0"]), 0);
        let seen = exchanges(events(&mut tracer));
        assert_eq!(seen.len(), 5);
        for exchange in seen {
            assert_eq!(exchange.stages().len(), 9);
            let request = exchange.request.as_ref().expect("a request");
            assert_ne!(request.head.pid, process::id());
            assert_eq!(comm(&request.head), b"greet-user");
        }
    });
}

/// Sends rtnetlink a request for a nonexistent link; the reply is an error.
async fn ask_rtnetlink() {
    const RTM_GETLINK: u16 = 18;
    const INDEX: i32 = 0x7fff_fff0;
    let mut socket = ClientSocket::open(0).expect("rtnetlink is always there");
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
        let mut one = attach(&ours());
        ask_rtnetlink().await;
        assert_eq!(events(&mut one), []);
        drop(one);
        let mut all = attach(&Filter::default().of_process(process::id()));
        ask_rtnetlink().await;
        let seen = events(&mut all);
        let all = exchanges(seen);
        let [exchange] = all.as_slice() else {
            panic!("{} exchanges", all.len());
        };
        assert_eq!(exchange.status(), Status::Refused);
        assert_eq!(exchange.stage(Stage::Handle), None);
        let answer = &exchange.queued[0].message.datagram;
        assert_eq!((answer.protocol, answer.error()), (0, Some(-19)));
        assert_ne!(answer.netns, 0);
    });
}

#[test]
fn threads_are_not_mixed_up() {
    const THREADS: usize = 4;
    const GREETINGS: usize = 50;
    in_vm(async {
        let mut tracer = attach(&ours());
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
        let seen = exchanges(events(&mut tracer));
        assert_eq!(tracer.missed().expect("reads the counters"), 0);
        assert_eq!(seen.len(), THREADS * GREETINGS);
        for exchange in &seen {
            let request = asked(exchange);
            let header = request.header().expect("a header");
            let expected = format!("port {} greeting {}", request.portid, header.seq);
            assert_eq!(text(request), expected);
            let [reply] = exchange.queued.as_slice() else {
                panic!("{} replies", exchange.queued.len());
            };
            let answer = &reply.message.datagram;
            assert_eq!(answer.peer_portid, request.portid);
            assert_eq!(answer.header().expect("a header").seq, header.seq);
            assert!(text(answer).contains(&format!("process {} ", request.portid)));
            assert_eq!(reply.delivery.as_ref().map(|read| read.result), Some(272));
            let stages: Vec<_> = exchange.stages().iter().map(|(stage, _)| *stage).collect();
            assert_eq!(stages, Stage::ALL);
        }
    });
}

#[test]
fn a_message_to_nobody_fails_and_says_so() {
    const NOBODY: u32 = 0x8000_0001;
    in_vm(async {
        let mut tracer = attach(&ours());
        let sender = bare_socket();
        let to = SocketAddrNetlink::new(NOBODY, 0);
        sendto(&sender, &forged_answer(7), SendFlags::empty(), &to).expect_err("nobody is there");
        let seen = exchanges(events(&mut tracer));
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].status(), Status::Failed);
        assert_eq!(
            seen[0].request.as_ref().map(|request| request.result),
            Some(-111)
        );
        let message = asked(&seen[0]);
        assert_eq!(message.direction(), Direction::UserToUser);
        assert_eq!(message.peer_portid, NOBODY);
        assert_eq!(seen[0].stage(Stage::Handle), None);
    });
}

#[test]
fn a_long_message_is_cut_and_its_length_is_kept() {
    in_vm(async {
        let mut tracer = attach(&ours());
        let mut socket = open();
        for len in [255, 256, 257, 5_000, 100_000] {
            let payload = vec![b'x'; len];
            let sent = send_netlink_message_to_kernel(&mut socket, &payload, NLMSG_GREET, GREETING);
            let sent = sent.await.expect("sends");
            receive_answer(&socket, &sent, PATIENCE)
                .await
                .expect("is answered");
            let seen = exchanges(events(&mut tracer));
            assert_eq!(seen.len(), 1);
            let message = asked(&seen[0]);
            assert_eq!(message.len as usize, 16 + len);
            assert_eq!(message.payload(), &payload[..len.min(256)]);
            assert_eq!(message.portid, socket.portid());
            assert_eq!(message.header().map(|header| header.seq), Some(sent.seq));
        }
    });
}

#[test]
fn short_and_lying_messages_are_seen_as_they_are() {
    in_vm(async {
        let mut tracer = attach(&ours());
        let sender = bare_socket();
        let kernel = SocketAddrNetlink::new(0, 0);
        let lie = [0xff; 20];
        for bytes in [&[1_u8][..], &[1; 15], &lie] {
            sendto(&sender, bytes, SendFlags::empty(), &kernel).expect("sends");
            let seen = exchanges(events(&mut tracer));
            assert_eq!(seen.len(), 1);
            let message = asked(&seen[0]);
            assert_eq!((message.len as usize, &*message.data), (bytes.len(), bytes));
            assert_eq!(message.header().is_some(), bytes.len() >= 16);
        }
    });
}

#[test]
fn every_record_that_is_lost_is_counted() {
    const GREETINGS: u64 = 4_000;
    in_vm(async {
        let mut tracer = attach(&ours());
        let mut socket = open();
        // Nothing is read in the meantime: the ring buffer holds about 1,600 greetings.
        for _ in 0..GREETINGS {
            greet(&mut socket, "more and more").await;
        }
        let count = |tracer: &mut Tracer| {
            let mut seen = 0;
            tracer.drain(usize::MAX, |_| seen += 1);
            (seen, tracer.dropped().expect("reads the counters"))
        };
        let (seen, dropped) = count(&mut tracer);
        assert!(seen > 0 && dropped > 0, "{seen} seen, {dropped} dropped");
        assert_eq!(seen + dropped, 4 * GREETINGS);
        // Once there is room again, nothing more is lost.
        greet(&mut socket, "and now").await;
        assert_eq!(count(&mut tracer), (4, dropped));
    });
}
