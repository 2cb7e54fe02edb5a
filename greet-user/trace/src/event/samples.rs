// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as the tracer reports them, for tests and benchmarks of what is done with events.

use greet_common::{
    event::{COMM_SIZE, RecordKind},
    wire::{HEADER_SIZE, NLM_F_ACK, NLM_F_REQUEST, NLMSG_DONE, NLMSG_GREET},
};

use super::{Beyond, Datagram, Delivery, End, Event, Head, Message, Request};

/// A datagram with one message.
pub fn bytes(kind: u16, flags: u16, seq: u32, portid: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEADER_SIZE + payload.len()).expect("short");
    let mut data = len.to_ne_bytes().to_vec();
    data.extend(kind.to_ne_bytes());
    data.extend(flags.to_ne_bytes());
    data.extend(seq.to_ne_bytes());
    data.extend(portid.to_ne_bytes());
    data.extend(payload);
    data
}

/// The start of a record of thread `tid`.
pub fn head(kind: RecordKind, tid: u32, call: u32) -> Head {
    let mut comm = [0; COMM_SIZE];
    comm[..10].copy_from_slice(b"greet-user");
    Head {
        kind: kind as u32,
        protocol: 31,
        call: u64::from(call) << 32 | u64::from(tid),
        pid: 70,
        tid,
        comm,
        sock: 0xffff_8880_0000_0000 + u64::from(tid) * 0x1000,
    }
}

/// A datagram from one port to another.
pub fn datagram(portid: u32, peer_portid: u32, data: &[u8]) -> Datagram {
    Datagram {
        protocol: 31,
        netns: 4_026_531_840,
        portid,
        peer_portid,
        group: 0,
        len: u32::try_from(data.len()).expect("short"),
        beyond: Beyond::default(),
        data: data[..data.len().min(272)].into(),
    }
}

/// The three events of one greeting by thread `tid`, starting at `start_ns`, its stages 10 µs
/// apart. The buffer is always the same.
pub fn greeting(tid: u32, seq: u32, start_ns: u64) -> [Event; 3] {
    // 0 would be a stage that was not passed.
    let at = |step: u64| start_ns.max(1) + 10_000 * step;
    let text = b"Hello, how are you?\0";
    let request = bytes(NLMSG_GREET, NLM_F_REQUEST | NLM_F_ACK, seq, tid, text);
    let mut text =
        format!("Hello! Msg from process {tid} has been processed by kernel").into_bytes();
    text.resize(256, 0);
    let reply = bytes(NLMSG_DONE, 0, seq, 0, &text);
    let (send, receive) = (2 * seq, 2 * seq + 1);
    let skb = 0xffff_8881_0000_0100;
    [
        Event::Message(Message {
            head: head(RecordKind::Message, tid, send),
            skb,
            reply_ns: at(3),
            queue_ns: at(4),
            datagram: datagram(0, tid, &reply),
        }),
        Event::Request(Request {
            head: head(RecordKind::Request, tid, send),
            send_ns: at(0),
            cross_ns: at(1),
            handle_ns: at(2),
            handled_ns: at(5),
            sent_ns: at(6),
            result: 36,
            end: End::Returned,
            unqueued: 0,
            datagram: datagram(tid, 0, &request),
        }),
        Event::Delivery(Delivery {
            head: head(RecordKind::Delivery, tid, receive),
            skb,
            receive_ns: at(7),
            delivered_ns: at(8),
            result: 272,
            flags: 0,
            copied: 272,
            padding: 0,
        }),
    ]
}
