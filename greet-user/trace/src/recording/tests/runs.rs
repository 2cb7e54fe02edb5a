// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arbitrary runs.

use greet_common::event::{COMM_SIZE, EXTACK_SIZE, RecordKind};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
};

use crate::{
    event::{
        Beyond, Close, Datagram, Delivery, End, Event, Extack, Head, Loss, Message, Owner, Request,
    },
    greeting::{Answer, Greeted, Outcome, Sent},
    recording::Entry,
    run::{Closing, Opening, Run, Start, System, Unseen},
    tracer::{Attached, Callback},
};

/// A name of at most `N - 1` bytes, padded with NULs.
fn name<const N: usize>() -> impl Strategy<Value = [u8; N]> {
    vec(1_u8.., 0..N).prop_map(|bytes| {
        let mut name = [0; N];
        name[..bytes.len()].copy_from_slice(&bytes);
        name
    })
}

fn head(kind: RecordKind) -> impl Strategy<Value = Head> {
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
    (any::<(u32, u32, u32, u32, u32, u32)>(), data).prop_map(
        move |((netns, portid, peer_portid, group, len, mark), data)| Datagram {
            beyond: Beyond::of(mark, group),
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
        head(RecordKind::Request),
        any::<[u64; 5]>(),
        any::<(i32, u32)>(),
        prop_oneof![
            Just(End::Returned),
            Just(End::Crossed),
            Just(End::Died),
            Just(End::Killed)
        ],
        datagram(0),
    );
    all.prop_map(
        |(head, [send, cross, handle, handled, sent], (result, unqueued), end, datagram)| {
            // Only one that returned has a time and a result.
            let (sent, result) = match end {
                End::Returned => (sent.max(1), result),
                End::Killed => (sent.max(1), -4),
                End::Crossed | End::Died => (0, 0),
            };
            Event::Request(Request {
                head,
                send_ns: send,
                cross_ns: cross,
                handle_ns: handle,
                handled_ns: handled,
                sent_ns: sent,
                result,
                end,
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
    let all = (head(RecordKind::Message), any::<[u64; 3]>(), datagram(0));
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
    let delivery = (
        head(RecordKind::Delivery),
        any::<[u64; 3]>(),
        any::<(i32, u32, u32)>(),
    );
    let owner = proptest::option::of((any::<u32>(), name::<COMM_SIZE>()));
    let loss = (
        head(RecordKind::Loss),
        any::<(u64, u32, u32, i32, u32, u64)>(),
        owner,
    );
    let close = (head(RecordKind::Close), any::<u64>());
    let extack = (
        head(RecordKind::Extack),
        any::<u64>(),
        name::<EXTACK_SIZE>(),
    );
    prop_oneof![
        request(),
        message(),
        delivery.prop_map(
            |(head, [skb, receive_ns, delivered_ns], (result, flags, copied))| {
                Event::Delivery(Delivery {
                    head,
                    skb,
                    receive_ns,
                    delivered_ns,
                    result,
                    flags,
                    copied,
                    padding: 0,
                })
            }
        ),
        loss.prop_map(
            |(head, (time_ns, netns, portid, result, overrun, inode), owner)| {
                Event::Loss(Loss {
                    head,
                    time_ns,
                    netns,
                    portid,
                    result,
                    overrun,
                    inode,
                    owner: owner.map(|(pid, comm)| Owner { pid, comm }),
                })
            }
        ),
        close.prop_map(|(head, time_ns)| Event::Close(Close { head, time_ns })),
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
pub(super) fn run() -> impl Strategy<Value = Vec<Entry>> {
    (opening(), vec(entry(), 0..12), closing()).prop_map(|(opening, mut entries, closing)| {
        entries.insert(0, Entry::Opening(Box::new(opening)));
        entries.push(Entry::Closing(closing));
        // The same count is not written twice.
        entries.dedup_by(|b, a| matches!((a, b), (Entry::Dropped(_), Entry::Dropped(_))));
        entries
    })
}
