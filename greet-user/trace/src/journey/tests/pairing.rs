// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which request a reply belongs to: dumps whose parts come in other calls, several requests in a
//! datagram, replies from other tasks.

use greet_common::{
    event::{Close, EXTACK_SIZE, RecordKind},
    wire::{NLM_F_ACK, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR},
};

use super::*;
use crate::event::{
    Beyond, Datagram, Delivery, Done, Event, Extack, Message, Request,
    samples::{bytes, datagram, head},
};

const DUMP: u16 = 0x300;
const ROUTE: u32 = 0;
const AUDIT: u32 = 9;

/// A `sendmsg()` by thread 71, from `at_ns` to 100 ns later.
fn request(protocol: u32, call: u32, at_ns: u64, data: &[u8]) -> Request {
    let [_, Event::Request(mut request), _] = crate::event::samples::greeting(71, 1, 1) else {
        panic!("a greeting has a request");
    };
    request.head = head(RecordKind::Request, 71, call);
    request.head.protocol = protocol;
    request.datagram = Datagram {
        protocol,
        ..datagram(71, 0, data)
    };
    (request.handle_ns, request.handled_ns) = (0, 0);
    (request.send_ns, request.cross_ns, request.sent_ns) = (at_ns, at_ns + 1, at_ns + 100);
    request
}

/// A message that the kernel queues for that thread in this call (0: outside of any).
fn queued(protocol: u32, call: u32, at_ns: u64, data: &[u8]) -> Message {
    let mut head = head(RecordKind::Message, 71, call);
    head.protocol = protocol;
    if call == 0 {
        head.call = 0;
    }
    Message {
        head,
        skb: at_ns,
        reply_ns: 0,
        queue_ns: at_ns,
        datagram: Datagram {
            protocol,
            ..datagram(0, 71, data)
        },
    }
}

/// The message is read, in this call.
fn read(message: &Message, call: u32, at_ns: u64) -> Event {
    let mut head = head(RecordKind::Delivery, 71, call);
    head.protocol = message.head.protocol;
    Event::Delivery(Delivery {
        head,
        skb: message.skb,
        receive_ns: at_ns,
        delivered_ns: at_ns + 1,
        result: i32::try_from(message.datagram.len).expect("short"),
        flags: 0,
        copied: message.datagram.len,
        padding: 0,
    })
}

fn part(seq: u32) -> Vec<u8> {
    bytes(16, NLM_F_MULTI, seq, 71, b"some")
}

fn done(seq: u32) -> Vec<u8> {
    bytes(NLMSG_DONE, NLM_F_MULTI, seq, 71, &[0; 4])
}

fn error(seq: u32, errno: i32, asked: &[u8]) -> Vec<u8> {
    let mut payload = (-errno).to_ne_bytes().to_vec();
    payload.extend(&asked[..16]);
    bytes(NLMSG_ERROR, 0, seq, 71, &payload)
}

fn ask(kind: u16, flags: u16, seq: u32) -> Vec<u8> {
    bytes(kind, NLM_F_REQUEST | flags, seq, 0, b"what")
}

/// Sequence number, status, how many replies.
fn outcomes(events: impl IntoIterator<Item = Event>) -> Vec<(Option<u32>, Status, usize)> {
    let all = exchanges(events).into_iter();
    all.map(|exchange| (exchange.seq(), exchange.status(), exchange.queued.len()))
        .collect()
}

#[test]
fn a_dump_goes_on_behind_another_that_is_refused() {
    let first = queued(ROUTE, 1, 1_010, &part(21));
    let busy = queued(ROUTE, 3, 3_010, &error(22, 16, &ask(22, DUMP, 22)));
    // The later parts are built in the calls that read those before them.
    let second = queued(ROUTE, 2, 2_010, &part(21));
    let third = queued(ROUTE, 4, 4_010, &part(21));
    let end = queued(ROUTE, 5, 5_010, &done(21));
    let other = queued(ROUTE, 0, 5_500, &bytes(20, 0, 9, 0, b"unasked"));
    let events = [
        Event::Message(first.clone()),
        Event::Request(request(ROUTE, 1, 1_000, &ask(26, DUMP, 21))),
        Event::Message(second.clone()),
        read(&first, 2, 2_000),
        Event::Message(busy.clone()),
        Event::Request(request(ROUTE, 3, 3_000, &ask(22, DUMP, 22))),
        Event::Message(third.clone()),
        read(&second, 4, 4_000),
        Event::Message(end.clone()),
        read(&busy, 5, 5_000),
        Event::Message(other),
        read(&third, 6, 6_000),
        read(&end, 7, 7_000),
    ];
    assert_eq!(
        outcomes(events),
        [
            (Some(22), Status::Refused, 1),
            (Some(21), Status::Answered, 4),
            (None, Status::Notification, 1),
        ]
    );
}

#[test]
fn a_dump_ends_with_its_end_and_not_when_nothing_is_queued() {
    let first = queued(ROUTE, 1, 1_010, &part(41));
    let news = queued(ROUTE, 0, 1_500, &bytes(20, 0, 1_000, 0, b"news"));
    let end = queued(ROUTE, 3, 3_010, &done(41));
    let mut news = news;
    news.datagram.group = 5;
    let events = [
        Event::Message(first.clone()),
        Event::Request(request(ROUTE, 1, 1_000, &ask(22, DUMP, 41))),
        Event::Message(news.clone()),
        // All parts of the dump so far are read, and its end is not built yet.
        read(&first, 2, 2_000),
        Event::Message(end.clone()),
        read(&news, 3, 3_000),
        read(&end, 4, 4_000),
    ];
    let found = outcomes(events);
    assert_eq!(
        found,
        [
            (None, Status::Notification, 1),
            (Some(41), Status::Answered, 2)
        ]
    );
}

#[test]
fn an_end_behind_the_captured_bytes_ends_a_dump() {
    for (errno, status) in [(0, Status::Answered), (-105, Status::Refused)] {
        let mut only = queued(ROUTE, 1, 1_010, &part(7));
        only.datagram.len = 4_000;
        only.datagram.beyond = Beyond {
            done: Some(Done {
                flags: NLM_F_MULTI,
                error: errno,
            }),
            nsid: None,
        };
        let mut journey = Journey::new(true);
        let mut ended = Vec::new();
        let asked = request(ROUTE, 1, 1_000, &ask(18, DUMP, 7));
        for event in [
            Event::Message(only.clone()),
            Event::Request(asked),
            read(&only, 2, 2_000),
        ] {
            push(&mut journey, event, &mut ended);
        }
        assert_eq!(ended.first().map(Exchange::status), Some(status));
    }
}

#[test]
fn each_request_of_a_datagram_has_its_own_dump_and_its_own_reason() {
    let asked = [ask(18, DUMP, 1), ask(16, NLM_F_ACK, 2), ask(22, DUMP, 3)];
    let why = |at_ns, text: &[u8]| {
        let mut all = [0; EXTACK_SIZE];
        all[..text.len()].copy_from_slice(text);
        Event::Extack(Extack {
            head: head(RecordKind::Extack, 71, 1),
            time_ns: at_ns,
            text: all,
        })
    };
    let first = queued(ROUTE, 1, 1_010, &part(1));
    let refused = queued(ROUTE, 1, 1_020, &error(2, 22, &asked[1]));
    let busy = queued(ROUTE, 1, 1_030, &error(3, 16, &asked[2]));
    let end = queued(ROUTE, 2, 2_010, &done(1));
    let events = [
        Event::Message(first.clone()),
        why(1_015, b"no such thing"),
        Event::Message(refused.clone()),
        why(1_025, b"one at a time"),
        Event::Message(busy.clone()),
        Event::Request(request(ROUTE, 1, 1_000, &asked.concat())),
        Event::Message(end.clone()),
        read(&first, 2, 2_000),
        read(&refused, 3, 3_000),
        read(&busy, 4, 4_000),
        read(&end, 5, 5_000),
    ];
    let all = exchanges(events);
    let [exchange] = all.as_slice() else {
        panic!("{all:?}");
    };
    let pairing = Pairing::of(exchange);
    assert!(pairing.are_several());
    let of: Vec<_> = exchange
        .queued
        .iter()
        .map(|queued| pairing.request_of(queued))
        .collect();
    assert_eq!(of, [Some(0), Some(1), Some(2), Some(0)]);
    let seqs: Vec<_> = pairing.seqs_of_reasons().collect();
    assert_eq!(seqs, [Some(2), Some(3)]);
    let reasons = |answer| {
        pairing
            .reasons_of(answer)
            .map(|extack| extack.time_ns)
            .collect()
    };
    let reasons: Vec<Vec<_>> = (0..4).map(reasons).collect();
    assert_eq!(reasons, [vec![], vec![1_015], vec![1_025], vec![]]);
    assert_eq!(pairing.reasons_of_none().count(), 0);
}

/// Each has the same number: an error quotes its request.
#[test]
fn requests_with_one_number_are_told_by_what_an_error_quotes() {
    let asked = [ask(16, NLM_F_ACK, 5), ask(17, NLM_F_ACK, 5)];
    let refused = queued(ROUTE, 1, 1_020, &error(5, 22, &asked[1]));
    let unclear = queued(ROUTE, 1, 1_030, &bytes(16, 0, 5, 71, b"some"));
    let events = [
        Event::Message(refused.clone()),
        Event::Message(unclear.clone()),
        Event::Request(request(ROUTE, 1, 1_000, &asked.concat())),
        read(&refused, 2, 2_000),
        read(&unclear, 3, 3_000),
    ];
    let all = exchanges(events);
    let pairing = Pairing::of(&all[0]);
    let of: Vec<_> = all[0]
        .queued
        .iter()
        .map(|queued| pairing.request_of(queued))
        .collect();
    assert_eq!(of, [Some(1), None]);
}

#[test]
fn an_answer_by_another_task_belongs_to_its_request() {
    let answered = |acknowledged: bool, is_early: bool| {
        let asked = ask(1_000, if acknowledged { NLM_F_ACK } else { 0 }, 901);
        let ack = queued(AUDIT, 1, 1_010, &error(901, 0, &asked));
        let asked = Event::Request(request(AUDIT, 1, 1_000, &asked));
        let mut status = queued(AUDIT, 0, 1_050, &bytes(1_000, 0, 901, 0, b"status"));
        (status.head.pid, status.head.tid) = (33, 33);
        // From a thread that sent no request.
        let mut unasked = queued(AUDIT, 0, 1_060, &bytes(1_300, 0, 0, 0, b"event"));
        unasked.skb = 9;
        let mut events = Vec::new();
        if acknowledged {
            events.push(Event::Message(ack.clone()));
        }
        let late = [Event::Message(status.clone()), asked];
        let [status_event, asked] = late;
        if is_early {
            events.extend([status_event, asked]);
        } else {
            events.push(asked);
            if acknowledged {
                events.push(read(&ack, 2, 1_200));
            }
            events.push(status_event);
        }
        events.push(Event::Message(unasked));
        if acknowledged && is_early {
            events.push(read(&ack, 2, 1_200));
        }
        events.push(read(&status, 3, 1_300));
        outcomes(events)
    };
    for acknowledged in [false, true] {
        for is_early in [false, true] {
            let found = answered(acknowledged, is_early);
            let answers = 1 + usize::from(acknowledged);
            assert_eq!(
                found,
                [
                    (Some(901), Status::Answered, answers),
                    (None, Status::Notification, 1)
                ],
                "{acknowledged} {is_early}"
            );
        }
    }
}

#[test]
fn nobody_waits_for_ever_for_another_task() {
    let mut journey = Journey::new(true);
    let mut ended = Vec::new();
    let asked = request(AUDIT, 1, 1_000, &ask(1_000, 0, 7));
    push(&mut journey, Event::Request(asked), &mut ended);
    assert!(ended.is_empty());
    let due_ns = journey.due_ns().expect("it waits");
    let mut emit = |update: Update<'_>| ended.extend(update.into_exchange());
    journey.tick(due_ns - 1, &mut emit);
    journey.tick(due_ns, &mut emit);
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (ended[0].status(), journey.due_ns()),
        (Status::Unanswered, None)
    );
    // An exchange of a family that replies at once does not wait.
    let asked = request(ROUTE, 2, 2_000, &ask(16, 0, 8));
    push(&mut journey, Event::Request(asked), &mut ended);
    assert_eq!(ended.len(), 2);
}

#[test]
fn what_a_closed_socket_leaves_unread_says_when() {
    let mut journey = Journey::new(true);
    let mut ended = Vec::new();
    let unread = queued(ROUTE, 1, 1_010, &part(3));
    let close = Close {
        head: head(RecordKind::Close, 71, 9),
        time_ns: 8_000,
    };
    for event in [
        Event::Message(unread),
        Event::Request(request(ROUTE, 1, 1_000, &ask(18, DUMP, 3))),
        Event::Close(close),
    ] {
        assert!(ended.is_empty());
        push(&mut journey, event, &mut ended);
    }
    let [exchange] = ended.as_slice() else {
        panic!("{ended:?}");
    };
    assert_eq!(exchange.status(), Status::Unread);
    let queued = &exchange.queued[0];
    assert_eq!((queued.gone, queued.closed_ns), (true, 8_000));
    assert!(journey.in_queue.is_empty() && journey.dumps.is_empty());
}

#[test]
fn a_unicast_that_names_a_group_as_well_is_delivered() {
    let data = bytes(20, 0, 6, 71, b"both");
    let mut sent = request(2, 1, 1_000, &data);
    sent.datagram.peer_portid = 99;
    sent.datagram.group = 1;
    let mut arrival = queued(2, 1, 1_010, &data);
    arrival.head.sock += 1;
    (arrival.datagram.portid, arrival.datagram.peer_portid) = (71, 99);
    arrival.datagram.group = 1;
    let Event::Delivery(mut taken) = read(&arrival, 2, 2_000) else {
        panic!("a delivery");
    };
    taken.head.sock = arrival.head.sock;
    let events = [
        Event::Message(arrival),
        Event::Request(sent),
        Event::Delivery(taken),
    ];
    assert_eq!(outcomes(events), [(Some(6), Status::Delivered, 1)]);
}

/// Tracepoints do not show a request's bytes, and may show a reply apart from its call.
#[test]
fn an_early_answer_to_a_request_without_bytes_is_its_answer() {
    let asked = ask(1_000, NLM_F_ACK, 904);
    let ack = queued(AUDIT, 0, 1_010, &error(904, 0, &asked));
    let status = queued(AUDIT, 0, 1_200, &bytes(1_000, 0, 904, 0, b"status"));
    let mut unseen = request(AUDIT, 1, 1_000, &[]);
    (unseen.send_ns, unseen.cross_ns) = (0, 0);
    let events = [
        Event::Message(ack.clone()),
        Event::Request(unseen),
        read(&ack, 2, 1_150),
        Event::Message(status.clone()),
        read(&status, 3, 1_300),
    ];
    assert_eq!(outcomes(events), [(Some(904), Status::Answered, 2)]);
}
