// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is written is read back; what is cut or damaged is noticed, and where.

use greet_common::event::{COMM_SIZE, EXTACK_SIZE, Kind};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
    sample::Index,
};

use super::*;
use crate::{
    client::{Answer, Sent},
    event::{Datagram, Delivery, Extack, Head, Loss, Message, Request},
    feed::{Run, Unseen},
    output::{Outcome, Start, System},
    tracer::{Attached, Callback},
};

/// A name of at most `N - 1` bytes and its NULs.
fn name<const N: usize>() -> impl Strategy<Value = [u8; N]> {
    vec(1_u8.., 0..N).prop_map(|bytes| {
        let mut name = [0; N];
        name[..bytes.len()].copy_from_slice(&bytes);
        name
    })
}

fn head(kind: Kind) -> impl Strategy<Value = Head> {
    let numbers = any::<(u32, u64, u32, u32, u64)>();
    (numbers, name::<COMM_SIZE>()).prop_map(move |((protocol, call, pid, tid, sock), comm)| Head {
        kind: kind as u32,
        protocol,
        call,
        pid,
        tid,
        comm,
        sock,
    })
}

fn datagram(protocol: u32) -> impl Strategy<Value = Datagram> {
    let data = prop_oneof![
        vec(any::<u8>(), 0..300),
        (vec(any::<u8>(), 0..80), 0_usize..70_000).prop_map(|(mut data, zeros)| {
            data.resize(data.len() + zeros, 0);
            data
        }),
    ];
    (any::<(u32, u32, u32, u32, u32)>(), data).prop_map(
        move |((netns, portid, peer_portid, group, len), data)| Datagram {
            protocol,
            netns,
            portid,
            peer_portid,
            group,
            len,
            data: data.into(),
        },
    )
}

fn request() -> impl Strategy<Value = Event> {
    let all = (
        head(Kind::Request),
        any::<[u64; 5]>(),
        any::<(i32, u32)>(),
        datagram(0),
    );
    all.prop_map(
        |(head, [send, cross, handle, handled, sent], (result, unqueued), datagram)| {
            Event::Request(Request {
                head,
                send_ns: send,
                cross_ns: cross,
                handle_ns: handle,
                handled_ns: handled,
                sent_ns: sent,
                result,
                unqueued,
                datagram: Datagram {
                    protocol: head.protocol,
                    ..datagram
                },
            })
        },
    )
}

fn message() -> impl Strategy<Value = Event> {
    let all = (head(Kind::Message), any::<[u64; 3]>(), datagram(0));
    all.prop_map(|(head, [skb, reply_ns, queue_ns], datagram)| {
        Event::Message(Message {
            head,
            skb,
            reply_ns,
            queue_ns,
            datagram: Datagram {
                protocol: head.protocol,
                ..datagram
            },
        })
    })
}

fn event() -> impl Strategy<Value = Event> {
    let delivery = (head(Kind::Delivery), any::<[u64; 3]>(), any::<(i32, u32)>());
    let loss = (head(Kind::Loss), any::<(u64, u32, u32, i32, u32)>());
    let extack = (head(Kind::Extack), any::<u64>(), name::<EXTACK_SIZE>());
    prop_oneof![
        request(),
        message(),
        delivery.prop_map(|(head, [skb, receive_ns, delivered_ns], (result, flags))| {
            Event::Delivery(Delivery {
                head,
                skb,
                receive_ns,
                delivered_ns,
                result,
                flags,
            })
        }),
        loss.prop_map(|(head, (time_ns, netns, portid, result, overrun))| {
            Event::Loss(Loss {
                head,
                time_ns,
                netns,
                portid,
                result,
                overrun,
            })
        }),
        extack.prop_map(|(head, time_ns, text)| Event::Extack(Extack {
            head,
            time_ns,
            text
        })),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let answer = (
        any::<(u32, u16, u16, u32, u32, u64)>(),
        vec(any::<u8>(), 0..300),
    );
    prop_oneof![
        Just(Outcome::NotAskedFor),
        any::<String>().prop_map(Outcome::Lost),
        answer.prop_map(|((len, kind, flags, seq, portid, time_ns), payload)| {
            Outcome::Answered(Answer {
                header: greet_common::wire::Header {
                    len,
                    kind,
                    flags,
                    seq,
                    portid,
                },
                payload,
                time_ns,
            })
        }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let texts = vec(any::<String>(), 0..3);
    let greeting = (any::<(u64, u32, u64, u32, bool)>(), outcome(), texts);
    prop_oneof![
        8 => event().prop_map(Entry::Event),
        2 => greeting.prop_map(|((number, seq, time_ns, len, traced), outcome, rejected)| {
            let len = usize::try_from(len).expect("64 bits");
            Entry::Greeting {
                greeted: Greeted {
                    number,
                    sent: Sent { seq, time_ns, len },
                    outcome,
                    rejected,
                },
                traced,
            }
        }),
        1 => any::<u64>().prop_filter("a change", |events| *events != 0).prop_map(Entry::Dropped),
    ]
}

fn opening() -> impl Strategy<Value = Opening> {
    let texts = || vec(any::<String>(), 0..3);
    let callbacks = vec(any::<(String, u32)>(), 0..3);
    let system = (any::<(String, String, u64)>(), texts(), texts(), callbacks).prop_map(
        |((tool, kernel, boot_time_unix_ns), hooks, missing, callbacks)| System {
            tool,
            kernel,
            boot_time_unix_ns,
            attached: Attached {
                hooks,
                missing,
                callbacks: callbacks
                    .into_iter()
                    .map(|(symbol, protocols)| Callback { symbol, protocols })
                    .collect(),
            },
        },
    );
    let client = any::<Option<(u32, u32, u32, String)>>();
    (any::<(u64, bool)>(), system, client).prop_map(|((began_ns, deliveries), system, client)| {
        Opening {
            began_ns,
            deliveries,
            run: match client {
                None => Run::Watch(system),
                Some((protocol, portid, pid, text)) => Run::Greetings(Start {
                    system,
                    protocol,
                    portid,
                    pid,
                    text,
                }),
            },
        }
    })
}

fn closing() -> impl Strategy<Value = Closing> {
    any::<(u64, u64, Option<(u64, u64)>)>().prop_map(|(ended_ns, sent, unseen)| Closing {
        ended_ns,
        sent,
        unseen: unseen.map(|(events_dropped, calls_missed)| Unseen {
            events_dropped,
            calls_missed,
        }),
    })
}

/// A whole run.
fn run() -> impl Strategy<Value = Vec<Entry>> {
    (opening(), vec(entry(), 0..12), closing()).prop_map(|(opening, mut entries, closing)| {
        entries.insert(0, Entry::Opening(Box::new(opening)));
        entries.push(Entry::Closing(closing));
        // The same count is not written twice.
        entries.dedup_by(|b, a| matches!((a, b), (Entry::Dropped(_), Entry::Dropped(_))));
        entries
    })
}

/// The recording of a run, and where its frames begin.
fn recorded(entries: &[Entry]) -> (Vec<u8>, Vec<usize>) {
    let mut offsets = Vec::new();
    let mut writer = Writer::new(Vec::new());
    for entry in entries {
        offsets.push(writer.written().len().max(HEADER));
        let result = match entry {
            Entry::Opening(opening) => writer.opening(opening),
            Entry::Event(event) => writer.event(event),
            Entry::Greeting { greeted, traced } => writer.greeting(greeted, *traced),
            Entry::Dropped(events) => writer.dropped(*events),
            Entry::Closing(closing) => writer.closing(closing),
        };
        result
            .and_then(|()| writer.flush())
            .expect("writes to memory");
    }
    (writer.written().clone(), offsets)
}

/// What can be read, and the first thing that is wrong.
fn read(bytes: &[u8]) -> (Vec<Entry>, Option<RecordingError>) {
    let mut entries = Vec::new();
    let reader = match Reader::open(bytes, "memory") {
        Ok(reader) => reader,
        Err(error) => return (entries, Some(error)),
    };
    for entry in reader {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => return (entries, Some(error)),
        }
    }
    (entries, None)
}

fn offset(error: &RecordingError) -> Option<usize> {
    match error {
        RecordingError::Truncated { offset, .. } | RecordingError::Damaged { offset, .. } => {
            usize::try_from(*offset).ok()
        }
        _ => None,
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(entries in run()) {
        let (bytes, _) = recorded(&entries);
        let (back, error) = read(&bytes);
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert_eq!(back, entries);
    }

    #[test]
    fn of_a_cut_recording_every_whole_frame_is_read(entries in run(), at: Index) {
        let (bytes, offsets) = recorded(&entries);
        let cut = at.index(bytes.len());
        let (back, error) = read(&bytes[..cut]);
        let ends = offsets.iter().skip(1).copied().chain([bytes.len()]);
        let whole = ends.take_while(|end| *end <= cut).count();
        prop_assert_eq!(&back, &entries[..whole]);
        let expected = match cut {
            0..HEADER => 0,
            _ => offsets[whole],
        };
        let error = error.expect("there is no end");
        let is_nothing = cut == 0 && matches!(error, RecordingError::NotARecording);
        prop_assert!(is_nothing || matches!(error, RecordingError::Truncated { .. }), "{error:?}");
        prop_assert!(is_nothing || offset(&error) == Some(expected), "{error:?}");
    }

    #[test]
    fn a_changed_byte_is_noticed_where_it_is(entries in run(), at: Index, change in 1_u8..) {
        let (mut bytes, offsets) = recorded(&entries);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let (back, error) = read(&bytes);
        let error = error.expect("it is noticed");
        if at < MAGIC.len() {
            prop_assert!(matches!(error, RecordingError::NotARecording), "{error:?}");
        } else {
            let frame = offsets.iter().rposition(|offset| *offset <= at);
            prop_assert_eq!(offset(&error), Some(frame.map_or(0, |frame| offsets[frame])));
            prop_assert_eq!(&back, &entries[..frame.unwrap_or(0)]);
        }
    }

    #[test]
    fn a_frame_behind_a_damaged_one_is_read(entries in run(), at: Index, change in 1_u8..) {
        let (mut bytes, offsets) = recorded(&entries);
        let frame = at.index(entries.len());
        // In the checksum: the length stays true.
        bytes[offsets[frame] + 5] ^= change;
        let reader = Reader::open(&*bytes, "memory").expect("a header");
        let read: Vec<_> = reader.take(entries.len()).collect();
        for (number, (read, written)) in read.iter().zip(&entries).enumerate() {
            if number == frame || frame == 0 {
                prop_assert!(read.as_ref().is_err_and(RecordingError::is_one_frame));
            } else {
                prop_assert_eq!(read.as_ref().ok(), Some(written));
            }
        }
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in vec(any::<u8>(), 0..400), whole: bool) {
        let mut recording = header();
        if whole {
            // As if it were meant: with its length and checksum.
            let len = u32::try_from(bytes.len()).expect("short").to_le_bytes();
            recording.extend(len);
            recording.extend(checksum(len, &bytes).to_le_bytes());
        }
        recording.extend(bytes);
        let mut reader = Reader::open(&*recording, "memory").expect("a header");
        prop_assert!(reader.by_ref().count() <= 400, "it ends");
        prop_assert!(reader.next().is_none());
    }
}

fn header() -> Vec<u8> {
    let entries = [Entry::Opening(Box::new(Opening {
        began_ns: 0,
        deliveries: true,
        run: Run::Watch(System {
            tool: String::new(),
            kernel: String::new(),
            boot_time_unix_ns: 0,
            attached: Attached::default(),
        }),
    }))];
    recorded(&entries).0[..HEADER].to_vec()
}

#[test]
fn a_later_version_is_named() {
    let mut bytes = header();
    bytes[8] = 2;
    let checksum = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    let (_, error) = read(&bytes);
    assert!(
        matches!(error, Some(RecordingError::Newer { version: 2 })),
        "{error:?}"
    );
}

#[test]
fn something_else_is_refused() {
    for bytes in [
        &b""[..],
        b"\x0a\x0d\x0d\x0a pcapng",
        b"{\"kind\":\"start\"}",
        b"GREET",
    ] {
        let (_, error) = read(bytes);
        let is_short = bytes == b"GREET" && matches!(error, Some(RecordingError::Truncated { .. }));
        assert!(
            is_short || matches!(error, Some(RecordingError::NotARecording)),
            "{error:?}"
        );
    }
}

#[test]
fn what_lies_behind_a_names_nul_is_not_recorded() {
    let [_, _, Event::Delivery(mut delivery)] = crate::event::tests::greeting(71, 1, 1) else {
        panic!("a greeting ends with its delivery");
    };
    let clean = delivery;
    delivery.head.comm[12..].copy_from_slice(b"junk");
    let frame = |delivery| recorded(&[Entry::Event(Event::Delivery(delivery))]).0;
    assert_eq!(frame(delivery), frame(clean));
}

#[test]
fn a_full_disk_is_an_error_and_not_a_loss() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let mut writer = Writer::new(full);
    let [_, _, event] = crate::event::tests::greeting(71, 1, 1);
    let first = (0..100_000).find_map(|_| writer.event(&event).err());
    let error = first.expect("a buffer is not without end");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(writer.flush().is_err());
}
