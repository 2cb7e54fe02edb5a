// SPDX-License-Identifier: MIT OR Apache-2.0
//! Valid records are read, and nothing else is.

use core::mem::offset_of;

use super::*;

/// A record of garbage except for the given numbers.
fn record<const N: usize>(kind: RecordKind, numbers: &[(usize, u32)]) -> [u8; N] {
    let mut bytes = [0xa5; N];
    for (offset, value) in [(offset_of!(Head, kind), kind as u32)]
        .iter()
        .chain(numbers)
    {
        bytes[*offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
    }
    bytes
}

fn datagram(at: usize, len: u32, captured: u32) -> [(usize, u32); 4] {
    [
        (at + offset_of!(DatagramRecord, len), len),
        (at + offset_of!(DatagramRecord, captured), captured),
        (at + offset_of!(DatagramRecord, rest), 0),
        (at + offset_of!(DatagramRecord, portid), 0x8000_0007),
    ]
}

fn request(len: u32, captured: u32) -> [u8; size_of::<Request>()] {
    record(
        RecordKind::Request,
        &datagram(offset_of!(Request, datagram), len, captured),
    )
}

fn message(len: u32, captured: u32) -> [u8; size_of::<Message>()] {
    record(
        RecordKind::Message,
        &datagram(offset_of!(Message, datagram), len, captured),
    )
}

#[test]
fn a_message_is_read_and_the_uncaptured_rest_is_not() {
    let Ok(Record::Message(message)) = Record::try_from(&message(300, 100)[..]) else {
        panic!("not read as a message");
    };
    assert_eq!(message.datagram.portid, 0x8000_0007);
    assert_eq!(message.datagram.bytes(), [0xa5; 100]);
    assert_eq!(message.datagram.data[100..], [0; CAPTURE - 100]);
}

#[test]
fn a_request_has_the_room_that_its_captured_bytes_need() {
    for (captured, room) in [(0, 0), (1, 64), (36, 64), (64, 64), (65, 272), (272, 272)] {
        let bytes = request(5_000, captured);
        let end = REQUEST_HEAD + room;
        let Ok(Record::Request(request)) = Record::try_from(&bytes[..end]) else {
            panic!("{captured} bytes: not read as a request");
        };
        assert_eq!(
            request.datagram.bytes(),
            &[0xa5; CAPTURE][..captured as usize]
        );
        for wrong in (0..=bytes.len()).filter(|len| *len != end) {
            assert!(
                matches!(
                    Record::try_from(&bytes[..wrong]),
                    Err(RecordError::WrongSize { .. })
                ),
                "{captured} captured, {wrong} long"
            );
        }
    }
}

#[test]
fn a_request_that_did_not_cross_has_what_its_end_says() {
    let mut bytes = request(36, 0);
    let at = offset_of!(Request, cross_ns);
    bytes[at..at + 8].fill(0);
    // What its end says it would have been.
    let request = Request::try_from(&bytes[..REQUEST_HEAD]).expect("a request");
    assert_eq!((request.datagram.len, request.datagram.captured), (36, 0));
    // If the end does not say either, the datagram is an earlier call's.
    let at = offset_of!(Request, datagram) + offset_of!(DatagramRecord, netns);
    bytes[at..at + 4].fill(0);
    let request = Request::try_from(&bytes[..REQUEST_HEAD]).expect("a request");
    assert_eq!(request.datagram, DatagramRecord::NONE);
}

#[test]
fn a_request_whose_begin_was_not_seen_has_ends_and_a_length() {
    let mut bytes = request(36, 0);
    for at in [offset_of!(Request, send_ns), offset_of!(Request, cross_ns)] {
        bytes[at..at + 8].fill(0);
    }
    let request = Request::try_from(&bytes[..REQUEST_HEAD]).expect("a request");
    assert_eq!((request.datagram.len, request.datagram.captured), (36, 0));
    assert_eq!(request.datagram.portid, 0x8000_0007);
}

#[test]
fn a_capture_beyond_the_datagram_or_the_record_is_refused() {
    for (len, captured) in [(10, 11), (5000, 273), (u32::MAX, u32::MAX)] {
        assert_eq!(
            Record::try_from(&message(len, captured)[..]),
            Err(RecordError::WrongCapture { captured, len })
        );
    }
    assert!(Record::try_from(&request(10, 11)[..REQUEST_HEAD + 64]).is_err());
    assert!(Record::try_from(&request(5_000, 273)[..]).is_err());
}

#[test]
fn every_length_is_judged_and_only_the_right_one_passes() {
    let all: [&[u8]; 6] = [
        &message(16, 16),
        &record::<{ size_of::<Delivery>() }>(RecordKind::Delivery, &[]),
        &record::<{ size_of::<Loss>() }>(RecordKind::Loss, &[]),
        &record::<{ size_of::<RoundTrip>() }>(RecordKind::RoundTrip, &[]),
        &record::<{ size_of::<Extack>() }>(RecordKind::Extack, &[]),
        &record::<{ size_of::<Close>() }>(RecordKind::Close, &[]),
    ];
    for bytes in all {
        for len in 0..bytes.len() {
            assert!(matches!(
                Record::try_from(&bytes[..len]),
                Err(RecordError::WrongSize { .. })
            ));
        }
        assert!(Record::try_from(bytes).is_ok());
    }
}

#[test]
fn what_lies_behind_a_text_is_not_read() {
    let mut bytes: [u8; size_of::<Extack>()] = record(RecordKind::Extack, &[]);
    let at = offset_of!(Extack, text);
    bytes[at..at + 3].copy_from_slice(b"no\0");
    let extack = Extack::try_from(&bytes[..]).expect("a record");
    assert_eq!(extack.text[..2], *b"no");
    assert_eq!(extack.text[2..], [0; EXTACK_SIZE - 2]);
}

#[test]
fn a_rest_has_one_of_the_sizes() {
    let full: [u8; size_of::<Continuation<512>>()] = record(
        RecordKind::Continuation,
        &[
            (offset_of!(RestHead, len), 300),
            (offset_of!(RestHead, id), 7),
        ],
    );
    let Ok(Record::Continuation(head, data)) = Record::try_from(&full[..]) else {
        panic!("not read as a rest");
    };
    assert_eq!((head.len, head.id as u32), (300, 7));
    assert_eq!(data, [0xa5; 300]);
    for len in 4..full.len() {
        assert!(Record::try_from(&full[..len]).is_err(), "{len}");
    }
    let liar: [u8; size_of::<Continuation<512>>()] = record(
        RecordKind::Continuation,
        &[(offset_of!(RestHead, len), 513)],
    );
    assert!(Record::try_from(&liar[..]).is_err());
}

#[test]
fn a_rest_is_within_the_datagram_and_behind_a_full_record() {
    let of = |len, captured, rest| {
        let mut bytes = message(len, captured);
        let at = offset_of!(Message, datagram) + offset_of!(DatagramRecord, rest);
        bytes[at..at + 4].copy_from_slice(&u32::to_ne_bytes(rest));
        Message::try_from(&bytes[..]).map(|message| message.datagram.rest)
    };
    assert_eq!(of(300, 272, 28), Ok(28));
    assert_eq!(of(5_000, 272, 28), Ok(28));
    for (len, captured, rest) in [(300, 272, 29), (300, 271, 1), (300, 272, u32::MAX)] {
        let wrong = Err(RecordError::WrongCapture { captured, len });
        assert_eq!(of(len, captured, rest), wrong);
    }
}

#[test]
fn unknown_kinds_are_refused() {
    for number in [0, 9, u32::MAX] {
        let mut bytes = message(16, 16);
        bytes[..4].copy_from_slice(&number.to_ne_bytes());
        assert_eq!(
            Record::try_from(&bytes[..]),
            Err(RecordError::UnknownKind(number))
        );
    }
}
