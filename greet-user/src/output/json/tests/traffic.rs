// SPDX-License-Identifier: MIT OR Apache-2.0
//! Synthetic traffic of each kind that has a line.

use greet_common::{
    event::{EXTACK_SIZE, RecordKind},
    wire::NLMSG_ERROR,
};

use greet_trace::{
    event::{
        Datagram, Delivery, Event, Extack, Loss, Message, Owner,
        samples::{bytes, datagram, greeting, head},
    },
    journey::MSG_PEEK,
};

/// Messages of thread 71, in a call or outside of any.
pub(super) fn queued(call: u32, skb: u64, datagram: Datagram) -> Event {
    let head = head(RecordKind::Message, 71, call);
    Event::Message(Message {
        head: greet_trace::event::Head {
            call: if call == 0 { 0 } else { head.call },
            ..head
        },
        skb,
        reply_ns: 0,
        queue_ns: 5_000,
        datagram,
    })
}

/// Thread 99 reads a message from the socket of thread 71.
pub(super) fn read_by_another(skb: u64) -> Event {
    let mut reader = head(RecordKind::Delivery, 99, 1);
    reader.sock = head(RecordKind::Message, 71, 1).sock;
    Event::Delivery(Delivery {
        head: reader,
        skb,
        receive_ns: 400_000,
        delivered_ns: 401_000,
        result: 36,
        flags: 0,
        copied: 36,
        padding: 0,
    })
}

/// A greeting that is peeked at before it is read.
pub(super) fn looked_at() -> Vec<Event> {
    let [message, request, delivery] = greeting(71, 1, 1_000);
    let mut look = delivery.clone();
    if let Event::Delivery(look) = &mut look {
        look.flags = MSG_PEEK;
    }
    vec![message, request, look, delivery]
}

/// A request that the kernel refuses with an extended ACK, and a second reply that is lost.
pub(super) fn refused() -> Vec<Event> {
    let [_, request, _] = greeting(71, 2, 200_000);
    let mut text = [0; EXTACK_SIZE];
    text[..15].copy_from_slice(b"Unknown \"thing\"");
    let mut error = (-22_i32).to_ne_bytes().to_vec();
    error.extend(bytes(20, 5, 2, 71, b""));
    let answer = datagram(0, 71, &bytes(NLMSG_ERROR, 0, 2, 71, &error));
    let loss = |overrun| {
        Event::Loss(Loss {
            head: head(RecordKind::Loss, 71, 4),
            time_ns: 6_000,
            netns: 4_026_531_840,
            portid: 71,
            result: -105,
            overrun,
            inode: 77,
            owner: Some(Owner::of(&head(RecordKind::Loss, 71, 4))),
        })
    };
    vec![
        queued(4, 1, answer),
        Event::Extack(Extack {
            head: head(RecordKind::Extack, 71, 4),
            time_ns: 4_000,
            text,
        }),
        loss(0),
        loss(1),
        request,
    ]
}

/// Requests to another process: one that fails, and one that it reads.
pub(super) fn between_processes() -> Vec<Event> {
    let mut events = Vec::new();
    for (seq, result) in [(3, -111), (4, 36)] {
        let [_, mut request, _] = greeting(71, seq, 300_000);
        let Event::Request(sent) = &mut request else {
            unreachable!("the second is the request");
        };
        sent.datagram.peer_portid = 99;
        sent.result = result;
        sent.head.protocol = 2;
        sent.datagram.protocol = 2;
        let arrival = sent.datagram.clone();
        if result > 0 {
            events.push(queued(2 * seq, 2, arrival));
        }
        events.push(request);
    }
    events.push(read_by_another(2));
    events
}

/// An interrupted dump, truncated by its reader.
pub(super) fn cut_dump() -> Vec<Event> {
    let [mut message, request, mut delivery] = greeting(71, 5, 500_000);
    if let Event::Message(message) = &mut message {
        message.skb = 5;
        message.datagram = datagram(0, 71, &bytes(16, 0x12, 5, 71, &[0; 64]));
    }
    if let Event::Delivery(read) = &mut delivery {
        (read.skb, read.flags, read.result, read.copied) = (5, 0x20, 80, 30);
    }
    vec![message, request, delivery]
}

/// Two messages in one datagram, multicast to group 1, of a protocol without a name.
pub(super) fn notification() -> Vec<Event> {
    let mut data = bytes(16, 0x302, 0, 0, b"\x01\x02\x03\x04");
    data.extend(bytes(17, 2, 0, 0, b""));
    let mut datagram = datagram(0, 71, &data);
    datagram.group = 1;
    datagram.beyond.nsid = Some(42);
    datagram.protocol = 30;
    vec![queued(0, 3, datagram), read_by_another(3)]
}
