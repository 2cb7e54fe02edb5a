// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events in the shapes of real traffic, as the kernel emits them.

use greet_common::{
    event::{Delivery, EXTACK_SIZE, Extack, RecordKind},
    wire::{NLM_F_ACK, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR},
};

use greet_trace::{
    event::{
        Datagram, Event, Head, Loss, Message, Request,
        samples::{bytes, datagram, greeting, head},
    },
    journey::MSG_PEEK,
};

const NLM_F_DUMP: u16 = 0x300;

fn parts() -> (Message, Request, Delivery) {
    match greeting(71, 1, 4_123_456_000) {
        [
            Event::Message(message),
            Event::Request(request),
            Event::Delivery(delivery),
        ] => (message, request, delivery),
        other => panic!("not as expected: {other:?}"),
    }
}

/// The process `ip`, on rtnetlink.
fn ip(mut head: Head) -> Head {
    head.protocol = 0;
    head.comm = *b"ip\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    head.pid = head.tid;
    head
}

fn route(portid: u32, peer_portid: u32, data: &[u8]) -> Datagram {
    let mut datagram = datagram(portid, peer_portid, data);
    datagram.protocol = 0;
    datagram
}

/// `ip link show dev nosuch`: RTM_GETLINK, ENODEV and an extended ACK.
pub fn refused() -> Vec<Event> {
    let (mut message, mut request, mut delivery) = parts();
    request.datagram = route(71, 0, &bytes(18, NLM_F_REQUEST, 1_700_000_000, 0, &[0; 36]));
    let mut error = (-19_i32).to_ne_bytes().to_vec();
    error.extend(&request.datagram.data);
    let error = bytes(NLMSG_ERROR, 0, 1_700_000_000, 71, &error);
    message.datagram = route(0, 71, &error);
    for head in [&mut message.head, &mut request.head, &mut delivery.head] {
        *head = ip(*head);
    }
    (request.result, delivery.result) = (52, i32::try_from(error.len()).expect("short"));
    let mut text = [0; EXTACK_SIZE];
    text[..34].copy_from_slice(b"Device or interface does not exist");
    let extack = Extack {
        head: Head {
            kind: RecordKind::Extack as u32,
            ..request.head
        },
        time_ns: request.handle_ns + 5_000,
        text,
    };
    vec![
        Event::Extack(extack),
        Event::Message(message),
        Event::Request(request),
        Event::Delivery(delivery),
    ]
}

/// A greeting whose reply found the queue full.
pub fn overrun() -> Vec<Event> {
    let (message, request, _) = parts();
    let loss = Loss {
        head: Head {
            kind: RecordKind::Loss as u32,
            ..request.head
        },
        time_ns: message.queue_ns,
        netns: message.datagram.netns,
        portid: 71,
        result: -105,
        overrun: 1,
        inode: 0,
        owner: None,
    };
    vec![Event::Loss(loss), Event::Request(request)]
}

/// A greeting whose reply another thread peeks at twice and takes; one whose reply stays unread.
pub fn unread() -> Vec<Event> {
    let (message, request, mut delivery) = parts();
    (delivery.head.tid, delivery.head.call) = (72, 9 << 32 | 72);
    let mut render = delivery;
    (render.flags, render.head.call) = (MSG_PEEK, 8 << 32 | 72);
    let mut events = vec![
        Event::Message(message),
        Event::Request(request),
        Event::Delivery(render),
        Event::Delivery(render),
        Event::Delivery(delivery),
    ];
    let [message, request, _] = greeting(71, 2, 5_123_456_000);
    events.extend([message, request]);
    events
}

/// `ip link` on a machine with many links: `chunks` chunks of three links each, but for the last.
pub fn dump(chunks: u64) -> Vec<Event> {
    let (first, mut request, read) = parts();
    let seq = 1_700_000_000;
    let asked = bytes(18, NLM_F_REQUEST | NLM_F_DUMP, seq, 0, &[0; 24]);
    request.datagram = route(71, 0, &asked);
    (request.handle_ns, request.handled_ns, request.result) = (0, 0, 40);
    request.head = ip(request.head);
    let (mut messages, mut deliveries) = (Vec::new(), Vec::new());
    for chunk in 0..chunks {
        let mut message = first.clone();
        message.skb += chunk * 256;
        message.head = ip(message.head);
        message.reply_ns = 0;
        let link = bytes(16, NLM_F_MULTI, seq, 71, &[1; 60]);
        let data = if chunk + 1 < chunks {
            link.repeat(3)
        } else {
            bytes(NLMSG_DONE, NLM_F_MULTI, seq, 71, &[0; 4])
        };
        message.datagram = route(0, 71, &data);
        let mut delivery = read;
        delivery.head = ip(read.head);
        delivery.head.call += chunk << 32;
        delivery.skb = message.skb;
        delivery.receive_ns += chunk * 50_000;
        delivery.delivered_ns += chunk * 50_000;
        delivery.result = i32::try_from(data.len()).expect("short");
        if chunk > 0 {
            // The chunk is made inside the `recvmsg()` that took the previous one.
            message.head.kind = RecordKind::Message as u32;
            message.head.call = delivery.head.call - (1 << 32);
            message.queue_ns = delivery.receive_ns - 45_000;
        }
        messages.push(Event::Message(message));
        deliveries.push(Event::Delivery(delivery));
    }
    let mut messages = messages.into_iter();
    let mut events: Vec<_> = messages.next().into_iter().collect();
    events.push(Event::Request(request));
    for delivery in deliveries {
        events.extend(messages.next());
        events.push(delivery);
    }
    events
}

/// `ip link add`, which notifies three processes that listen to group 1.
pub fn multicast() -> Vec<Event> {
    let (mut answer, mut request, mut delivery) = parts();
    let seq = 1_700_000_001;
    let asked = bytes(16, NLM_F_REQUEST | NLM_F_ACK | 0x600, seq, 0, &[0; 48]);
    request.datagram = route(71, 0, &asked);
    (request.handle_ns, request.handled_ns, request.result) = (0, 0, 64);
    let mut acknowledged = 0_i32.to_ne_bytes().to_vec();
    acknowledged.extend(&request.datagram.data[..16]);
    answer.datagram = route(0, 71, &bytes(NLMSG_ERROR, 0x100, seq, 71, &acknowledged));
    delivery.result = 36;
    for head in [&mut answer.head, &mut request.head, &mut delivery.head] {
        *head = ip(*head);
    }
    let mut events = Vec::new();
    let mut deliveries = Vec::new();
    for (number, portid) in [(0_u32, 500), (1, 501), (2, 4_294_963_000)] {
        let mut message = answer.clone();
        message.head.sock += u64::from(portid) * 0x1000;
        message.skb += 0x1_0000 + u64::from(number) * 256;
        message.reply_ns = 0;
        message.queue_ns -= 5_000 - 1_000 * u64::from(number);
        message.datagram = route(0, portid, &bytes(16, 0, seq, 71, &[2; 200]));
        message.datagram.group = 1;
        let mut reader = head(RecordKind::Delivery, 800 + number, 3);
        reader.protocol = 0;
        reader.comm = *b"NetworkManager\0\0";
        (reader.pid, reader.sock) = (800 + number, message.head.sock);
        let mut read = delivery;
        (read.head, read.skb, read.result) = (reader, message.skb, 216);
        events.push(Event::Message(message));
        // The third does not read.
        deliveries.extend((number < 2).then_some(Event::Delivery(read)));
    }
    events.extend([
        Event::Message(answer),
        Event::Request(request),
        Event::Delivery(delivery),
    ]);
    events.extend(deliveries);
    events
}

/// A message between processes, on NETLINK_USERSOCK.
pub fn user_to_user() -> Vec<Event> {
    let (mut message, mut request, mut delivery) = parts();
    let data = bytes(20, 0, 7, 71, b"from one to the other\0");
    let mut between = datagram(71, 4711, &data);
    between.protocol = 2;
    request.datagram = between.clone();
    (request.handle_ns, request.handled_ns) = (0, 0);
    request.result = i32::try_from(data.len()).expect("short");
    message.reply_ns = request.cross_ns;
    message.datagram = between;
    message.head.sock += 0x9000;
    delivery.head = head(RecordKind::Delivery, 4711, 3);
    delivery.head.comm = *b"receiver\0\0\0\0\0\0\0\0";
    (delivery.head.pid, delivery.head.sock) = (4711, message.head.sock);
    delivery.result = request.result;
    for head in [&mut message.head, &mut request.head, &mut delivery.head] {
        head.protocol = 2;
    }
    vec![
        Event::Message(message),
        Event::Request(request),
        Event::Delivery(delivery),
    ]
}
