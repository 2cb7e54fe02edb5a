// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as a greeting makes them, for this and other modules' tests.

use greet_common::wire::{NLM_F_ACK, NLM_F_REQUEST, NLMSG_DONE, NLMSG_GREET};
use proptest::prelude::{Strategy, any, prop_assert, proptest};

use super::*;

/// A datagram with one message.
pub(crate) fn datagram(kind: u16, flags: u16, seq: u32, portid: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEADER_SIZE + payload.len()).expect("short");
    let mut data = len.to_ne_bytes().to_vec();
    data.extend(kind.to_ne_bytes());
    data.extend(flags.to_ne_bytes());
    data.extend(seq.to_ne_bytes());
    data.extend(portid.to_ne_bytes());
    data.extend(payload);
    data
}

/// The six events of one greeting by thread `tid`, from `start_ns` on, 10 µs apart.
pub(crate) fn greeting(tid: u32, seq: u32, start_ns: u64) -> Vec<Event> {
    let request_skb = 0xffff_8880_0000_0000 + u64::from(tid) * 0x1000;
    let reply_skb = request_skb + 0x100;
    let message = |portid, peer_portid, data: Vec<u8>| {
        Detail::Entered(Message {
            protocol: 31,
            netns: 4_026_531_840,
            portid,
            peer_portid,
            comm: b"greet-user".to_vec(),
            len: u32::try_from(data.len()).expect("short"),
            data: data[..data.len().min(272)].to_vec(),
        })
    };
    let request = datagram(
        NLMSG_GREET,
        NLM_F_REQUEST | NLM_F_ACK,
        seq,
        tid,
        b"Hello, how are you?\0",
    );
    let mut text =
        format!("Hello! Msg from process {tid} has been processed by kernel").into_bytes();
    text.resize(256, 0);
    let reply = datagram(NLMSG_DONE, 0, seq, 0, &text);
    [
        (Stage::Cross, request_skb, message(tid, 0, request.clone())),
        (Stage::Handle, request_skb, message(tid, 0, request)),
        (Stage::Reply, reply_skb, message(0, tid, reply)),
        (Stage::Replied, reply_skb, Detail::Left(Some(272))),
        (Stage::Handled, 0, Detail::Left(None)),
        (Stage::Crossed, request_skb, Detail::Left(Some(36))),
    ]
    .into_iter()
    .zip(0..)
    .map(|((stage, skb, detail), step)| Event {
        time_ns: start_ns + 10_000 * step,
        stage,
        pid: 70,
        tid,
        skb,
        detail,
    })
    .collect()
}

/// A message with these bytes.
fn message(data: Vec<u8>) -> Message {
    Message {
        protocol: 31,
        netns: 1,
        portid: 5,
        peer_portid: 0,
        comm: Vec::new(),
        len: u32::try_from(data.len()).expect("short"),
        data,
    }
}

#[test]
fn every_message_of_a_datagram_is_found() {
    let mut data = datagram(20, 5, 1, 70, b"one\0\0");
    data.extend([0; 3]); // padding
    data.extend(datagram(21, 1, 2, 70, b""));
    let message = message(data);
    let found: Vec<_> = message
        .headers()
        .iter()
        .map(|header| (header.kind, header.seq))
        .collect();
    assert_eq!(found, [(20, 1), (21, 2)]);
    assert_eq!(message.text(), Some("one"));
}

fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..300)
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(data in some_bytes()) {
        let message = message(data.clone());
        prop_assert!(message.headers().len() <= data.len() / HEADER_SIZE);
        prop_assert!(message.payload().len() <= data.len());
        prop_assert!(message.text().is_none_or(|text| text.len() <= message.payload().len()));
    }
}
