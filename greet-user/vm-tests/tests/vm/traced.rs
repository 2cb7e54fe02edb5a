// SPDX-License-Identifier: MIT OR Apache-2.0
//! The engine as a library, with traffic that `greet-user` does not generate.

use std::{borrow::Cow, process, process::Command, thread};

use greet_common::{
    Stage,
    wire::{NETLINK_TEST_PROTOCOL, NLMSG_GREET},
};
use greet_trace::{
    Exchange, Status, Trace, TraceBuilder, describe,
    event::{Datagram, Direction, comm},
    run::Unseen,
    tracer::{Filter, Plan, Tracer},
};
use greet_user::client::{self, ClientSocket, receive_answer, send_netlink_message_to_kernel};
use rustix::net::{SendFlags, netlink::SocketAddrNetlink, sendto};

use crate::{
    detach::Attached,
    rejection::{bare_socket, forged_answer},
    support::{GREETING, PATIENCE, greet, greet_user, in_vm, open, stdout_of, until},
};

fn started(what: TraceBuilder) -> Trace {
    what.start().expect("attaches")
}

/// All greetings.
fn greetings() -> TraceBuilder {
    Trace::builder().protocol(NETLINK_TEST_PROTOCOL)
}

/// Only this process's greetings.
fn ours() -> TraceBuilder {
    greetings().process(process::id())
}

/// Everything seen so far; nothing was lost.
fn exchanges(trace: &mut Trace) -> Vec<Exchange> {
    let found = trace.take_all();
    let unseen = trace.unseen().expect("reads the counters");
    assert_eq!((unseen.events_dropped, trace.unmatched()), (0, 0));
    found
}

fn asked(exchange: &Exchange) -> &Datagram {
    &exchange.request.as_ref().expect("a request").datagram
}

fn text(datagram: &Datagram) -> Cow<'_, str> {
    datagram.text().expect("text")
}

#[test]
fn another_process_is_not_seen() {
    in_vm(async {
        let mut trace = started(ours());
        stdout_of(&greet_user(&["-c", "5", "-i", "0"]), 0);
        let mut socket = open();
        greet(&mut socket, "it's me").await;
        let seen = exchanges(&mut trace);
        let [exchange] = seen.as_slice() else {
            panic!("{} exchanges", seen.len());
        };
        assert_eq!(text(asked(exchange)), "it's me");
        let reader = describe::reader(exchange).map(|head| head.pid);
        let owner = describe::owner(exchange).map(|head| head.pid);
        assert_eq!([owner, reader], [Some(process::id()); 2]);
    });
}

#[test]
fn another_process_is_seen_if_asked_for() {
    in_vm(async {
        let mut trace = started(greetings());
        stdout_of(&greet_user(&["-c", "5", "-i", "0"]), 0);
        let seen = exchanges(&mut trace);
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
        let mut one = started(ours());
        ask_rtnetlink().await;
        assert_eq!(exchanges(&mut one), []);
        drop(one);
        let mut all = started(Trace::builder().process(process::id()));
        ask_rtnetlink().await;
        let all = exchanges(&mut all);
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
        let mut trace = started(ours());
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
        let seen = exchanges(&mut trace);
        assert_eq!(trace.unseen().expect("reads the counters").calls_missed, 0);
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
        let mut trace = started(ours());
        let sender = bare_socket();
        let to = SocketAddrNetlink::new(NOBODY, 0);
        sendto(&sender, &forged_answer(7), SendFlags::empty(), &to).expect_err("nobody is there");
        let seen = exchanges(&mut trace);
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
        let mut trace = started(ours());
        let mut socket = open();
        for len in [255, 256, 257, 5_000, 100_000] {
            let payload = vec![b'x'; len];
            let sent = send_netlink_message_to_kernel(&mut socket, &payload, NLMSG_GREET, GREETING);
            let sent = sent.await.expect("sends");
            receive_answer(&socket, &sent, PATIENCE)
                .await
                .expect("is answered");
            let seen = exchanges(&mut trace);
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
        let mut trace = started(ours());
        let sender = bare_socket();
        let kernel = SocketAddrNetlink::new(0, 0);
        let lie = [0xff; 20];
        for bytes in [&[1_u8][..], &[1; 15], &lie] {
            sendto(&sender, bytes, SendFlags::empty(), &kernel).expect("sends");
            let seen = exchanges(&mut trace);
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
        let ours = Filter::protocol(NETLINK_TEST_PROTOCOL).of_process(process::id());
        let mut tracer = Tracer::attach(&ours, &Plan::default()).expect("attaches");
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

#[test]
fn a_trace_ends_with_its_command() {
    in_vm(async {
        let before = Attached::now();
        let mut command = Command::new("greet-user");
        command.args(["-q", "-c", "3", "-i", "0"]);
        let mut trace = started(greetings().command(command));
        // Neither ours nor those that another process makes.
        greet(&mut open(), "not the command's").await;
        let mut seen = Vec::new();
        while let Some(exchange) = trace.next().await.expect("is read") {
            seen.push(exchange);
        }
        assert_eq!(trace.next().await.expect("has ended"), None);
        assert_eq!(trace.unseen().expect("is counted"), Unseen::default());
        assert_eq!(seen.len(), 3);
        for exchange in &seen {
            assert_eq!(
                describe::owner(exchange).map(comm),
                Some(&b"greet-user"[..])
            );
            assert_eq!(exchange.status(), Status::Answered);
        }
        until("everything is detached", || Attached::now() == before);
    });
}

#[test]
fn a_trace_that_is_stopped_has_what_was_seen() {
    in_vm(async {
        let mut trace = started(ours());
        let mut socket = open();
        for text in ["one", "two"] {
            greet(&mut socket, text).await;
        }
        trace.stop().expect("detaches");
        greet(&mut socket, "three").await;
        let mut texts = Vec::new();
        while let Some(exchange) = trace.next().await.expect("is read") {
            texts.push(text(asked(&exchange)).into_owned());
        }
        assert_eq!(texts, ["one", "two"]);
    });
}

#[test]
fn a_command_that_does_not_start_leaves_nothing() {
    in_vm(async {
        let before = Attached::now();
        let error = greetings()
            .command(Command::new("/no/such/program"))
            .start();
        let error = error.err().expect("no such program").to_string();
        assert!(
            error.starts_with("`/no/such/program` cannot be started: "),
            "{error}"
        );
        until("everything is detached", || Attached::now() == before);
    });
}
