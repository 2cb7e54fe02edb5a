// SPDX-License-Identifier: MIT OR Apache-2.0
//! The events of a greeting, for the tests of this and other modules.

use greet_common::{
    event::{COMM_SIZE, RecordKind},
    wire::{NLM_F_ACK, NLM_F_REQUEST, NLMSG_GREET},
};
use proptest::prelude::{Strategy, any, prop_assert, proptest};

use super::*;

/// A datagram with one message.
pub(crate) fn bytes(kind: u16, flags: u16, seq: u32, portid: u32, payload: &[u8]) -> Vec<u8> {
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
pub(crate) fn head(kind: RecordKind, tid: u32, call: u32) -> Head {
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
pub(crate) fn datagram(portid: u32, peer_portid: u32, data: &[u8]) -> Datagram {
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
pub(crate) fn greeting(tid: u32, seq: u32, start_ns: u64) -> [Event; 3] {
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
            end: crate::event::End::Returned,
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

/// The request of thread 71's greeting, with `unqueued` replies that reached no queue.
pub(crate) fn without_answer(seq: u32, unqueued: u32) -> Event {
    let [_, mut request, _] = greeting(71, seq, 0);
    if let Event::Request(request) = &mut request {
        request.unqueued = unqueued;
    }
    request
}

#[test]
fn messages_behind_what_was_captured_are_not_denied() {
    let part = bytes(16, 2, 1, 70, &[1; 84]);
    let all = part.repeat(3);
    let of = |captured: usize, len: usize| {
        let mut datagram = datagram(0, 70, &all[..captured]);
        datagram.len = u32::try_from(len).expect("short");
        (datagram.headers().len(), datagram.uncaptured())
    };
    assert_eq!(of(300, 300), (3, 0), "all of it");
    assert_eq!(of(100, 300), (1, 200));
    assert_eq!(of(110, 300), (1, 190), "half a header");
    assert_eq!(
        of(272, 300),
        (3, 0),
        "the last one's end is missing, no header"
    );
    assert_eq!(of(50, 100), (1, 0), "one long message");
    // Zeros after it are not a message, whether captured or not.
    let mut data = bytes(30, 5, 1, 70, b"fdb");
    data.resize(272, 0);
    let mut padded = datagram(70, 0, &data);
    padded.len = 284;
    assert_eq!(padded.uncaptured(), 0);
}

#[test]
fn every_message_of_a_datagram_is_found() {
    let mut data = bytes(20, 5, 1, 70, b"one\0\0");
    data.extend([0; 3]); // padding
    data.extend(bytes(21, 1, 2, 70, b""));
    let datagram = datagram(5, 0, &data);
    let found: Vec<_> = datagram
        .headers()
        .iter()
        .map(|header| (header.kind, header.seq))
        .collect();
    assert_eq!(found, [(20, 1), (21, 2)]);
    assert_eq!(datagram.text().as_deref(), Some("one"));
}

#[test]
fn zeros_behind_a_message_are_no_message() {
    let mut data = bytes(30, 5, 1, 70, b"fdb");
    data.extend([0; 256]);
    assert_eq!(datagram(70, 0, &data).headers().len(), 1);
    // The kernel stops here; the message is shown to explain why.
    assert_eq!(datagram(70, 0, &[0; 32]).headers().len(), 1);
}

#[test]
fn an_error_is_told_from_an_acknowledgement() {
    let of = |kind, payload: &[u8]| datagram(0, 5, &bytes(kind, 0, 1, 5, payload)).error();
    assert_eq!(of(NLMSG_ERROR, &(-19_i32).to_ne_bytes()), Some(-19));
    assert_eq!(of(NLMSG_ERROR, &[0; 20]), Some(0));
    assert_eq!(of(NLMSG_ERROR, &[0; 3]), None);
    assert_eq!(of(NLMSG_DONE, &[0xff; 4]), None, "no end of a dump");
}

#[test]
fn a_dump_that_ends_with_an_error_is_refused() {
    let end = |errno: i32| bytes(NLMSG_DONE, NLM_F_MULTI, 1, 5, &errno.to_ne_bytes());
    let of = |data: &[u8]| datagram(0, 5, data).error();
    assert_eq!(of(&end(-95)), Some(-95));
    assert_eq!(of(&end(0)), None, "the usual end");
    assert_eq!(of(&end(-5000)), None, "no errno");
    let mut parts = bytes(16, NLM_F_MULTI, 1, 5, b"part");
    parts.extend(end(-16));
    assert_eq!(of(&parts), Some(-16));
}

fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..272)
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(data in some_bytes()) {
        let datagram = datagram(5, 0, &data);
        prop_assert!(datagram.headers().len() <= data.len() / HEADER_SIZE);
        prop_assert!(datagram.payload().len() <= data.len());
        prop_assert!(datagram.text().is_none_or(|text| text.len() <= datagram.payload().len()));
    }
}
