// SPDX-License-Identifier: MIT OR Apache-2.0
//! Related messages are matched even if numbers alone would mislead: meaningless sequence numbers,
//! high port IDs, several messages in one datagram, and replies that are read late, elsewhere, in
//! pieces, or never.

use std::{
    process::{Command, Stdio},
    thread,
};

use greet_common::{
    Stage,
    wire::{NETLINK_TEST_PROTOCOL, NLMSG_DONE, NLMSG_ERROR, NLMSG_GREET},
};
use greet_trace::{Exchange, Status, Trace, event::Datagram};
use rustix::{
    fd::OwnedFd,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind,
        netlink::SocketAddrNetlink, recv, sendto, socket_with,
    },
};

use crate::{
    capture::{in_own_namespace, ip, modprobe},
    rejection::bare_socket,
    support::{GREETING, in_vm, message},
};

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
/// NLM_F_REQUEST and NLM_F_DUMP.
const DUMP: u16 = 0x301;
const NODEV: i32 = -19;
const NO_INDEX: u32 = 0x7fff_fff0;

fn watching(protocol: u32) -> Trace {
    let trace = Trace::builder().protocol(protocol).start();
    trace.expect("attaches")
}

fn greetings() -> Trace {
    watching(NETLINK_TEST_PROTOCOL)
}

/// Everything seen so far; nothing was lost.
fn exchanges(trace: &mut Trace) -> Vec<Exchange> {
    let found = trace.take_all();
    assert_eq!(trace.unmatched(), 0);
    assert_eq!(trace.unseen().expect("is counted").events_dropped, 0);
    found
}

/// A greeting with the sequence number 0.
fn greeting(text: &str) -> Vec<u8> {
    message(NLMSG_GREET, GREETING, 0, format!("{text}\0").as_bytes())
}

/// A request for one link, by its index; index 0 in a dump means all links.
fn get_link(flags: u16, seq: u32, index: u32) -> Vec<u8> {
    let mut ifinfomsg = [0; 16];
    ifinfomsg[4..8].copy_from_slice(&index.to_ne_bytes());
    message(RTM_GETLINK, flags, seq, &ifinfomsg)
}

fn send(socket: &OwnedFd, message: &[u8]) {
    let kernel = SocketAddrNetlink::new(0, 0);
    let sent = sendto(socket, message, SendFlags::empty(), &kernel);
    assert_eq!(sent.expect("sends"), message.len());
}

/// Reads one datagram.
fn read(socket: &OwnedFd) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 16];
    let (len, _) = recv(socket, &mut *bytes, RecvFlags::empty()).expect("reads");
    bytes.truncate(len);
    bytes
}

fn route_socket() -> OwnedFd {
    // No protocol means protocol 0: NETLINK_ROUTE.
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None);
    socket.expect("a netlink socket")
}

fn asked(exchange: &Exchange) -> &Datagram {
    &exchange.request.as_ref().expect("a request").datagram
}

fn answers(exchange: &Exchange) -> Vec<&Datagram> {
    let answers = exchange.queued.iter();
    answers.map(|queued| &queued.message.datagram).collect()
}

fn seqs(datagram: &Datagram) -> Vec<u32> {
    datagram.headers().iter().map(|header| header.seq).collect()
}

#[test]
fn several_requests_in_one_datagram_are_one_exchange_with_all_answers() {
    in_own_namespace(|| {
        in_vm(async {
            let mut trace = watching(0);
            let socket = route_socket();
            // One for lo, two for a nonexistent link, and one for lo again, with the same number.
            let asked_for = [(70, 1), (71, NO_INDEX), (71, NO_INDEX), (70, 1)];
            let datagram: Vec<u8> = asked_for
                .iter()
                .flat_map(|(seq, index)| get_link(GREETING, *seq, *index))
                .collect();
            send(&socket, &datagram);
            // A link and an acknowledgement, two errors, a link and an acknowledgement.
            for _ in 0..6 {
                read(&socket);
            }
            let seen = exchanges(&mut trace);
            let [exchange] = seen.as_slice() else {
                panic!("{} exchanges", seen.len());
            };
            assert_eq!(seqs(asked(exchange)), [70, 71, 71, 70]);
            let answers = answers(exchange);
            let numbers: Vec<_> = answers.iter().flat_map(|answer| seqs(answer)).collect();
            assert_eq!(numbers, [70, 70, 71, 71, 70, 70]);
            let kinds: Vec<_> = answers
                .iter()
                .filter_map(|answer| answer.header())
                .collect();
            let kinds: Vec<_> = kinds.iter().map(|header| header.kind).collect();
            let (link, error) = (RTM_NEWLINK, NLMSG_ERROR);
            assert_eq!(kinds, [link, error, error, error, link, error]);
            let errors: Vec<_> = answers.iter().map(|answer| answer.error()).collect();
            let (no, ok) = (Some(NODEV), Some(0));
            assert_eq!(errors, [None, ok, no, no, None, ok]);
            assert!(
                exchange
                    .queued
                    .iter()
                    .all(|queued| queued.delivery.is_some())
            );
            assert_eq!(exchange.status(), Status::Refused);
        })
    });
}

#[test]
fn port_ids_above_two_to_the_31_are_ports_like_others() {
    in_vm(async {
        for port in [0x8000_0000, 0x8000_0001, 0xdead_beef, 0xffff_fffe] {
            let trace = Trace::builder().protocol(NETLINK_TEST_PROTOCOL).port(port);
            let mut trace = trace.start().expect("attaches");
            let socket = bare_socket();
            bind(&socket, &SocketAddrNetlink::new(port, 0)).expect("nobody has it");
            let other = bare_socket();
            for socket in [&socket, &other] {
                send(socket, &greeting("from high up"));
                read(socket);
            }
            let seen = exchanges(&mut trace);
            let [exchange] = seen.as_slice() else {
                panic!("{port:#x}: {} exchanges", seen.len());
            };
            assert_eq!(asked(exchange).portid, port);
            assert_eq!(exchange.stages().len(), Stage::ALL.len());
            let answer = answers(exchange)[0];
            assert_eq!((answer.portid, answer.peer_portid), (0, port));
            let text = answer.text().expect("text");
            assert!(text.contains(&format!("process {port} ")), "{text}");
        }
    });
}

#[test]
fn answers_are_read_later_by_another_process_or_never() {
    in_vm(async {
        let mut trace = greetings();
        let socket = bare_socket();
        for text in ["read", "cut short", "left behind"] {
            send(&socket, &greeting(text));
        }
        // Meanwhile, other sockets exchange many messages with the same sequence number.
        for _ in 0..200 {
            let other = bare_socket();
            send(&other, &greeting("meanwhile"));
            read(&other);
        }
        let reader = |bytes: &str| {
            let input = socket.try_clone().expect("a second descriptor");
            let mut dd = Command::new("dd");
            let dd = dd.args([&format!("bs={bytes}"), "count=1"]).stdin(input);
            let reader = dd.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let mut reader = reader.expect("busybox is there");
            assert!(reader.wait().expect("ends").success());
            reader.id()
        };
        let readers = [reader("4096"), reader("20")];
        drop(socket);
        let mut seen = exchanges(&mut trace);
        let meanwhile =
            |exchange: &Exchange| asked(exchange).text().as_deref() == Some("meanwhile");
        assert_eq!(
            seen.iter().filter(|exchange| meanwhile(exchange)).count(),
            200
        );
        seen.retain(|exchange| !meanwhile(exchange));
        seen.sort_by_key(|exchange| exchange.stage(Stage::Send));
        let [read, cut, left] = seen.as_slice() else {
            panic!("{} exchanges", seen.len());
        };
        // Whatever does not fit into the reader's buffer is lost: netlink truncates datagrams.
        let expected = [
            (read, "read", readers[0], 272, Status::Answered),
            (cut, "cut short", readers[1], 20, Status::Truncated),
        ];
        for (exchange, text, reader, result, status) in expected {
            assert_eq!(asked(exchange).text().as_deref(), Some(text));
            let read = exchange.queued[0].delivery.as_ref().expect("was read");
            assert_eq!((read.head.pid, read.result), (reader, result));
            assert_eq!(exchange.status(), status);
            assert_eq!(exchange.stages().len(), Stage::ALL.len());
        }
        assert_eq!(asked(left).text().as_deref(), Some("left behind"));
        assert!(left.queued[0].delivery.is_none());
        assert_eq!(left.stages().len(), Stage::ALL.len() - 2);
        assert_eq!(left.status(), Status::Unread);
    });
}

#[test]
fn requests_in_flight_on_several_sockets_keep_their_answers() {
    const SOCKETS: usize = 3;
    const IN_FLIGHT: usize = 20;
    in_vm(async {
        let mut trace = greetings();
        let sockets: Vec<_> = (0..SOCKETS).map(|_| bare_socket()).collect();
        for round in 0..IN_FLIGHT {
            for (number, socket) in sockets.iter().enumerate() {
                send(socket, &greeting(&format!("socket {number} round {round}")));
            }
        }
        // Read in reverse order, by one thread per socket.
        thread::scope(|scope| {
            for socket in sockets.iter().rev() {
                scope.spawn(|| (0..IN_FLIGHT).for_each(|_| drop(read(socket))));
            }
        });
        let mut seen = exchanges(&mut trace);
        assert_eq!(seen.len(), SOCKETS * IN_FLIGHT);
        seen.sort_by_key(|exchange| exchange.stage(Stage::Send));
        for (at, exchange) in seen.iter().enumerate() {
            let text = format!("socket {} round {}", at % SOCKETS, at / SOCKETS);
            assert_eq!(asked(exchange).text().as_deref(), Some(text.as_str()));
            let [answer] = *answers(exchange) else {
                panic!("{} answers", exchange.queued.len());
            };
            assert_eq!(answer.peer_portid, asked(exchange).portid);
            let words = format!("process {} ", asked(exchange).portid);
            assert!(answer.text().is_some_and(|text| text.contains(&words)));
            assert_eq!(exchange.stages().len(), Stage::ALL.len());
            let handed_over = [Stage::Cross, Stage::Reply, Stage::Queue, Stage::Handled];
            let times = handed_over.map(|stage| exchange.stage(stage));
            assert!(times.is_sorted(), "its own call's: {times:?}");
        }
        // A socket's replies are read in the order of its requests.
        for socket in 0..SOCKETS {
            let read = seen.iter().skip(socket).step_by(SOCKETS);
            let times: Vec<_> = read
                .map(|exchange| exchange.stage(Stage::Receive))
                .collect();
            assert!(times.is_sorted(), "{times:?}");
        }
    });
}

#[test]
fn dumps_with_the_sequence_number_0_are_told_apart() {
    const DUMPS: usize = 3;
    in_own_namespace(|| {
        in_vm(async {
            modprobe(&["dummy"]);
            for number in 0..40 {
                ip(&["link", "add", &format!("d{number}"), "type", "dummy"]);
            }
            let mut trace = watching(0);
            let socket = route_socket();
            let mut chunks = Vec::new();
            for _ in 0..DUMPS {
                send(&socket, &get_link(DUMP, 0, 0));
                let mut count = 0;
                loop {
                    count += 1;
                    let chunk = read(&socket);
                    if chunk[4..6] == NLMSG_DONE.to_ne_bytes() {
                        break;
                    }
                }
                chunks.push(count);
            }
            let seen = exchanges(&mut trace);
            let found: Vec<_> = seen.iter().map(|exchange| exchange.queued.len()).collect();
            println!("chunks of each dump: {chunks:?}");
            assert_eq!(found, chunks);
            assert!(chunks.iter().all(|count| *count > 2), "later ones as well");
            for exchange in &seen {
                assert_eq!(exchange.status(), Status::Answered);
                let answers = answers(exchange);
                assert!(
                    answers
                        .iter()
                        .all(|answer| seqs(answer).iter().all(|seq| *seq == 0))
                );
                let last = answers.last().and_then(|last| last.header());
                assert_eq!(last.map(|header| header.kind), Some(NLMSG_DONE));
                // The later ones were made on behalf of the reader.
                let sent = exchange.stage(Stage::Sent).expect("it ended");
                let later = exchange.queued.iter().skip(1);
                assert!(later.clone().all(|queued| queued.message.queue_ns > sent));
                assert_eq!(later.count(), answers.len() - 1);
            }
        })
    });
}
