// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages that were partly read, or not at all, and dumps of data that changed in the meantime.

use greet_common::{
    event::LEN_UNKNOWN,
    wire::{NLM_F_MULTI, NLMSG_DONE},
};

use super::{Event, Exchange, Status, exchanges, greeting, without_answer};
use crate::event::{
    Direction, Request,
    samples::{bytes, datagram},
};

/// `MSG_TRUNC`.
const MSG_TRUNC: u32 = 0x20;

/// A greeting whose reply of 272 bytes was read like this.
fn read(result: i32, flags: u32, copied: u32) -> Exchange {
    let mut events = greeting(71, 1, 1_000);
    if let Event::Delivery(read) = &mut events[2] {
        (read.result, read.flags, read.copied) = (result, flags, copied);
    }
    exchanges(events).pop().expect("an exchange")
}

#[test]
fn a_message_that_was_read_in_part_is_truncated() {
    for (result, flags, copied, status, seen) in [
        (272, 0, 272, Status::Answered, Some(272)),
        (64, 0, 64, Status::Truncated, Some(64)),
        (272, MSG_TRUNC, 64, Status::Truncated, Some(64)),
        (0, 0, 0, Status::Truncated, Some(0)),
        (-14, 0, LEN_UNKNOWN, Status::Lost, None),
        // Older recordings do not have the copied length: a short result shows it.
        (64, 0, LEN_UNKNOWN, Status::Truncated, Some(64)),
        (272, 0, LEN_UNKNOWN, Status::Answered, None),
    ] {
        let exchange = read(result, flags, copied);
        assert_eq!(exchange.status(), status, "{result} {copied}");
        assert_eq!(exchange.queued[0].copied(), seen, "{result} {copied}");
        assert_eq!(exchange.truncated(), u64::from(status == Status::Truncated));
        assert_eq!(exchange.lost(), u64::from(status == Status::Lost));
    }
}

#[test]
fn a_refusal_that_was_read_in_part_is_still_a_refusal() {
    let mut events = greeting(71, 1, 1_000);
    if let Event::Message(message) = &mut events[0] {
        let error = bytes(2, 0, 1, 71, &(-22_i32).to_ne_bytes());
        message.datagram = datagram(0, 71, &error);
    }
    if let Event::Delivery(read) = &mut events[2] {
        (read.result, read.copied) = (18, 18);
    }
    let exchange = exchanges(events).pop().expect("an exchange");
    assert_eq!(
        (exchange.status(), exchange.truncated()),
        (Status::Refused, 1)
    );
}

#[test]
fn a_dump_of_what_changed_is_marked() {
    let with = |kind: u16, flags: u16, portid: u32| {
        let mut events = greeting(71, 1, 1_000);
        if let Event::Message(message) = &mut events[0] {
            let mut data = bytes(16, NLM_F_MULTI, 1, 71, &[0; 16]);
            data.extend(bytes(kind, flags, 1, 71, &[0; 4]));
            message.datagram = datagram(portid, 71, &data);
        }
        exchanges(events).iter().any(Exchange::is_interrupted)
    };
    assert!(with(16, NLM_F_MULTI | 0x10, 0));
    assert!(with(NLMSG_DONE, 0x10, 0));
    assert!(!with(16, NLM_F_MULTI, 0));
    assert!(!with(16, 0x10, 0), "not a part of a dump");
    assert!(!with(16, NLM_F_MULTI | 0x10, 5), "not the kernel's");
}

#[test]
fn complete_is_the_last_reply() {
    let [message, request, delivery] = greeting(71, 1, 1_000);
    let (Event::Message(mut second), Event::Delivery(mut later)) =
        (message.clone(), delivery.clone())
    else {
        panic!("not as expected");
    };
    second.skb += 1;
    (later.skb, later.delivered_ns) = (second.skb, later.delivered_ns + 5_000);
    later.head.call += 1 << 32;
    let both = [message, Event::Message(second), request, delivery];
    let all = exchanges(both.clone().into_iter().chain([Event::Delivery(later)]));
    let spans: Vec<_> = all[0].spans().collect();
    assert!(spans.contains(&("first_reply", 80_000)) && spans.contains(&("complete", 85_000)));
    // It is not complete before the last one is read.
    assert_eq!(exchanges(both)[0].complete(), None);
}

#[test]
fn a_request_that_could_not_be_sent_keeps_what_is_known() {
    let of = |change: fn(&mut Request)| {
        let Event::Request(mut request) = without_answer(1, 0) else {
            panic!("no request");
        };
        (request.cross_ns, request.datagram.data) = (0, Box::default());
        change(&mut request);
        (request.length(), request.direction())
    };
    let kernel = Direction::UserToKernel;
    let long = of(|request| (request.result, request.datagram.len) = (-90, 400_000));
    assert_eq!(long, (Some(400_000), kernel));
    let empty = of(|request| {
        (request.result, request.datagram.len) = (-61, 0);
        request.datagram.portid = 0;
    });
    assert_eq!(empty, (Some(0), kernel), "a socket that was never bound");
    let other = of(|request| (request.result, request.datagram.peer_portid) = (-111, 9));
    assert_eq!(other.1, Direction::UserToUser);
    // The end does not show it, and an older recording shows nothing at all.
    let tracepoint = of(|request| (request.result, request.send_ns) = (-90, 0));
    assert_eq!(tracepoint.0, None);
    let older = of(|request| (request.result, request.datagram.netns) = (-90, 0));
    assert_eq!(older.0, None);
}

#[test]
fn who_asks_for_no_answer_misses_none() {
    let asked = |flags: u16, len: usize| {
        let Event::Request(mut request) = without_answer(1, 0) else {
            panic!("no request");
        };
        let mut data = bytes(20, 1, 1, 71, b"");
        data.extend(bytes(20, flags, 2, 71, b""));
        request.datagram = datagram(71, 0, &data);
        request.datagram.data = data[..len].into();
        exchanges([Event::Request(request)])[0].is_answer_asked()
    };
    assert!(asked(5, 32) && asked(0x301, 32));
    assert!(!asked(1, 32));
    assert!(asked(1, 16), "the second was not captured");
}
