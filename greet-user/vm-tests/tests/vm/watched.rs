// SPDX-License-Identifier: MIT OR Apache-2.0
//! Under pressure: many threads and sockets, lost messages, a stalled reader.

use std::{process, thread};

use greet_common::wire::{NETLINK_TEST_PROTOCOL, NLMSG_GREET};
use greet_trace::{
    Exchange, Stage, Status, Trace,
    event::{Event, Loss},
    run::Unseen,
    tracer::{Filter, Plan, Tracer},
};
use greet_user::client::{self, ClientSocket, receive_answer, send_netlink_message_to_kernel};

use rustix::net::{RecvFlags, SendFlags, netlink::SocketAddrNetlink, recv, sendto};

use crate::{
    rejection::bare_socket,
    support::{GREETING, PATIENCE, greet, in_vm, open, pause},
};

/// Everything seen by the end; nothing was lost.
fn seen(mut trace: Trace) -> Vec<Exchange> {
    trace.stop().expect("detaches");
    assert_eq!(trace.unseen().expect("is counted"), Unseen::default());
    assert_eq!(trace.unmatched(), 0);
    trace.take_all()
}

/// The text identifies the greeting: checks that the other half of the exchange agrees.
fn check(exchange: &Exchange) {
    let request = exchange.request.as_ref().expect("a request");
    let datagram = &request.datagram;
    let header = datagram.header().expect("a header");
    let expected = format!("port {} greeting {}", datagram.portid, header.seq);
    assert_eq!(datagram.text().as_deref(), Some(expected.as_str()));
    let [queued] = exchange.queued.as_slice() else {
        panic!("{} answers", exchange.queued.len());
    };
    let answer = &queued.message.datagram;
    let words = format!("process {} ", datagram.portid);
    assert!(answer.text().is_some_and(|text| text.contains(&words)));
    assert_eq!(answer.header().map(|header| header.seq), Some(header.seq));
    assert_eq!(exchange.stages().len(), 9, "{exchange:?}");
    assert_eq!(exchange.status(), Status::Answered);
}

#[test]
fn eight_threads_with_four_sockets_each_are_not_mixed_up() {
    const THREADS: usize = 8;
    const SOCKETS: usize = 4;
    const GREETINGS: usize = 500;
    in_vm(async {
        // Without a filter by task, each message is reported once.
        let trace = Trace::builder().protocol(NETLINK_TEST_PROTOCOL);
        let mut trace = trace.buffer(64 << 20).start().expect("attaches");
        let work = || {
            in_vm(async {
                let mut sockets: Vec<_> = (0..SOCKETS).map(|_| open()).collect();
                for greeting in 1..=GREETINGS {
                    for socket in &mut sockets {
                        let text = format!("port {} greeting {greeting}", socket.portid());
                        greet(socket, &text).await;
                    }
                }
            });
        };
        let threads: Vec<_> = (0..THREADS).map(|_| thread::spawn(work)).collect();
        let mut found = Vec::new();
        while !threads.iter().all(thread::JoinHandle::is_finished) {
            found.extend(trace.take_ended());
            pause();
        }
        for thread in threads {
            thread.join().expect("no thread failed");
        }
        found.extend(seen(trace));
        let whole = |exchange: &&Exchange| exchange.stages().len() == Stage::ALL.len();
        let whole: Vec<_> = found.iter().filter(whole).collect();
        whole.iter().for_each(|exchange| check(exchange));
        let all = THREADS * SOCKETS * GREETINGS;
        assert_eq!((found.len(), whole.len()), (all, all));
    });
}

#[test]
fn a_full_queue_is_told_with_the_errno() {
    const GREETINGS: u32 = 400;
    in_vm(async {
        let filter = Filter::protocol(NETLINK_TEST_PROTOCOL).of_process(process::id());
        let mut tracer = Tracer::attach(&filter, &Plan::default()).expect("attaches");
        let mut socket = open();
        for _ in 0..GREETINGS {
            client::greet(&mut socket, "nobody reads", true)
                .await
                .expect("sends");
        }
        let (mut queued, mut overruns, mut failed) = (0, Vec::new(), Vec::new());
        tracer.drain(usize::MAX, |event| match event {
            Event::Message(_) => queued += 1,
            Event::Loss(loss) if loss.overrun == 1 => overruns.push(loss),
            Event::Loss(loss) => failed.push(loss),
            _ => {}
        });
        let lost = failed.len();
        assert!(lost > 0);
        assert_eq!(queued + lost, GREETINGS as usize);
        assert_eq!(overruns.len(), lost);
        let of = |losses: &[Loss], result| {
            let all_are = |loss: &Loss| (loss.result, loss.portid) == (result, socket.portid());
            losses.iter().all(all_are)
        };
        assert!(of(&overruns, -105), "ENOBUFS: {overruns:?}");
        assert!(of(&failed, -11), "EAGAIN: {failed:?}");
    });
}

#[test]
fn the_kernels_reason_is_tied_to_its_request() {
    const RTM_NEWADDR: u16 = 20;
    in_vm(async {
        let trace = Trace::builder().protocol(0).process(process::id());
        let trace = trace.start().expect("attaches");
        let mut socket = ClientSocket::open(0).expect("rtnetlink is always there");
        // An IPv4 address of one byte: every kernel explains that error in its extended ACK. (The
        // interface does not exist either, but 6.1 does not explain that.)
        let mut ifaddrmsg = vec![0; 8];
        ifaddrmsg[0] = 2;
        ifaddrmsg[1] = 32;
        ifaddrmsg[4..8].copy_from_slice(&0x7fff_fff0_u32.to_ne_bytes());
        let local = [5_u8, 0, 2, 0, 10, 0, 0, 0];
        ifaddrmsg.extend(local);
        let sent = send_netlink_message_to_kernel(&mut socket, &ifaddrmsg, RTM_NEWADDR, GREETING);
        let sent = sent.await.expect("sends");
        receive_answer(&socket, &sent, PATIENCE)
            .await
            .expect_err("no such address");
        let found = seen(trace);
        let [exchange] = found.as_slice() else {
            panic!("{} exchanges", found.len());
        };
        assert_eq!(exchange.status(), Status::Refused);
        let [extack] = exchange.extacks.as_slice() else {
            panic!("{} reasons", exchange.extacks.len());
        };
        let text = extack
            .text
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        assert!(!text.is_empty());
    });
}

#[test]
fn answers_read_later_by_another_thread_keep_their_request() {
    const GREETINGS: usize = 100;
    in_vm(async {
        let trace = Trace::builder().protocol(NETLINK_TEST_PROTOCOL);
        let trace = trace.start().expect("attaches");
        let socket = bare_socket();
        let kernel = SocketAddrNetlink::new(0, 0);
        for seq in 0..GREETINGS {
            // The sequence number is always the same: it must not matter.
            let mut message = bare_greeting(&format!("greeting {seq}"));
            message.push(0);
            sendto(&socket, &message, SendFlags::empty(), &kernel).expect("sends");
        }
        let reader = thread::spawn(move || {
            for _ in 0..GREETINGS {
                let mut bytes = [0; 512];
                recv(&socket, &mut bytes, RecvFlags::PEEK).expect("looks");
                recv(&socket, &mut bytes, RecvFlags::empty()).expect("reads");
            }
        });
        reader.join().expect("the reader does not fail");
        let found = seen(trace);
        assert_eq!(found.len(), GREETINGS);
        for (at, exchange) in found.iter().enumerate() {
            let request = exchange.request.as_ref().expect("a request");
            assert_eq!(
                request.datagram.text().as_deref(),
                Some(format!("greeting {at}").as_str())
            );
            let [queued] = exchange.queued.as_slice() else {
                panic!("{} answers", exchange.queued.len());
            };
            let read = queued.delivery.as_ref().expect("was read");
            assert_ne!(read.head.tid, request.head.tid, "another thread's");
            assert_eq!((queued.peeks, read.result), (1, 272));
            assert_eq!(exchange.stages().len(), 9);
        }
    });
}

/// A greeting with the sequence number 0.
pub fn bare_greeting(text: &str) -> Vec<u8> {
    let len = u32::try_from(17 + text.len()).expect("short");
    let mut message = len.to_ne_bytes().to_vec();
    message.extend(NLMSG_GREET.to_ne_bytes());
    message.extend(GREETING.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(text.as_bytes());
    message
}
