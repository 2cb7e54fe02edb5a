// SPDX-License-Identifier: MIT OR Apache-2.0
//! What datagrams contain, and what bytes may not do.

use proptest::prelude::{Strategy, any, prop_assert, proptest};

use super::{
    samples::{bytes, datagram},
    *,
};

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
