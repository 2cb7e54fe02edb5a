// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each format looks like.

mod human;

use greet_common::wire::{Header, NLMSG_DONE};

use super::*;
use crate::{
    event::{Event, tests::greeting},
    journey::Journey,
    statistics::Durations,
};

fn start(traced: bool) -> Start {
    Start {
        system: System {
            tool: "greet-user 0.1.0".to_owned(),
            kernel: "6.12.1-test".to_owned(),
            boot_time_unix_ns: 1_700_000_000_000_000_000,
            attached: Attached {
                hooks: if traced {
                    vec![
                        "fentry:netlink_unicast".to_owned(),
                        "kprobe:netlink_recv_msg_fn".to_owned(),
                    ]
                } else {
                    Vec::new()
                },
                missing: Vec::new(),
                callbacks: Vec::new(),
            },
        },
        protocol: 31,
        portid: 71,
        pid: 70,
        text: "Hello, how are you?".to_owned(),
    }
}

fn exchange(events: Vec<Event>) -> Exchange {
    let mut journey = Journey::new(true);
    let mut found = None;
    let mut keep = |told: Told<'_>| {
        if let Told::Exchange(exchange) = told {
            found = Some(exchange);
        }
    };
    for event in events {
        journey.push(event, &mut keep);
    }
    journey.finish(&mut keep);
    found.expect("an exchange")
}

fn answered(text: &[u8]) -> Outcome {
    let mut payload = text.to_vec();
    payload.resize(256, 0);
    Outcome::Answered(Answer {
        header: Header {
            len: 272,
            kind: NLMSG_DONE,
            flags: 0,
            seq: 1,
            portid: 0,
        },
        payload,
        time_ns: 1_099_950,
    })
}

fn one(outcome: Outcome, events: Option<Vec<Event>>) -> Greeting {
    Greeting {
        number: 1,
        text: "Hello, how are you?".to_owned(),
        sent: Sent {
            seq: 1,
            time_ns: 1_000_000,
            len: 36,
        },
        outcome,
        rejected: Vec::new(),
        trace: events.map(|events| Trace {
            exchange: exchange(events),
            callback: Some("netlink_recv_msg_fn".to_owned()),
        }),
        pid: 70,
        portid: 71,
    }
}

fn summary(lost: u64, traced: bool) -> Summary {
    let mut times = Durations::default();
    times.push(99_950);
    Summary {
        sent: 1,
        received: 1 - lost,
        lost,
        duration_ns: 12_345_678,
        round_trips: if lost == 0 {
            times.distribution()
        } else {
            None
        },
        traced: traced.then(|| Traced {
            events: 6,
            events_dropped: lost,
            calls_missed: 2 * lost,
            spans: times
                .distribution()
                .map(|found| ("handler", found))
                .into_iter()
                .collect(),
            totals: times.histogram(),
        }),
    }
}

fn shown(greeting: &Greeting, lost: u64) -> (String, String) {
    let traced = greeting.trace.is_some();
    let show = |output: &mut dyn Output| {
        output.start(&start(traced)).expect("writes to memory");
        output.greeting(greeting).expect("writes to memory");
        output
            .summary(&summary(lost, traced))
            .expect("writes to memory");
    };
    let (mut human, mut json) = (Vec::new(), Vec::new());
    show(&mut Human::new(&mut human, Look::default(), false));
    show(&mut Json::new(&mut json, false));
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(human), text(json))
}

const TEXT: &[u8] = b"Hello! Msg from process 71 has been processed by kernel";

#[test]
fn a_traced_greeting() {
    let (human, json) = shown(
        &one(answered(TEXT), Some(greeting(71, 1, 1_005_000).to_vec())),
        0,
    );
    insta::assert_snapshot!("traced_human", human);
    insta::assert_snapshot!("traced_json", json);
}

#[test]
fn an_untraced_greeting() {
    let (human, json) = shown(&one(answered(TEXT), None), 0);
    insta::assert_snapshot!("untraced_human", human);
    insta::assert_snapshot!("untraced_json", json);
}

#[test]
fn a_lost_greeting() {
    let mut events = greeting(71, 1, 1_005_000).to_vec();
    events.pop();
    let mut lost = one(
        Outcome::Lost("no answer to greeting 1 within 5 s".to_owned()),
        Some(events),
    );
    lost.rejected
        .push("a message from port 4711 instead of the kernel (port 0) was rejected".to_owned());
    let (human, json) = shown(&lost, 1);
    insta::assert_snapshot!("lost_human", human);
    insta::assert_snapshot!("lost_json", json);
}

#[test]
fn a_request_whose_bytes_were_not_seen() {
    let mut events = greeting(71, 1, 1_005_000).to_vec();
    for event in &mut events {
        match event {
            Event::Request(request) => {
                (request.send_ns, request.cross_ns) = (0, 0);
                (request.handle_ns, request.handled_ns) = (0, 0);
                request.datagram.data = Box::default();
            }
            Event::Message(message) => message.reply_ns = 0,
            _ => {}
        }
    }
    let (human, json) = shown(&one(answered(TEXT), Some(events.clone())), 0);
    insta::assert_snapshot!("tracepoints_human", human);
    insta::assert_snapshot!("tracepoints_json", json);
    let mut lines = Vec::new();
    let mut human = Human::new(&mut lines, Look::default(), false);
    let mut journey = Journey::new(true);
    let mut tell = |told: Told<'_>| human.tell(&told, None).expect("writes to memory");
    for event in events {
        journey.push(event, &mut tell);
    }
    insta::assert_snapshot!(
        "tracepoints_watch",
        String::from_utf8(lines).expect("UTF-8")
    );
}

#[test]
fn hostile_bytes_break_no_line() {
    let mut events = greeting(71, 1, 1_005_000).to_vec();
    for event in &mut events {
        let (head, data) = match event {
            Event::Request(request) => (&mut request.head, &mut request.datagram.data),
            Event::Message(message) => (&mut message.head, &mut message.datagram.data),
            _ => continue,
        };
        head.comm = *b"a\n\x1b[2Jb\0\0\0\0\0\0\0\0\0";
        data[16..36].copy_from_slice(b"one\ntwo\r\x1b[31m\"}{\xff\xfe\0\0");
    }
    let greeting = one(answered(b"one\ntwo\x1b[2J"), Some(events));
    let (human, json) = shown(&greeting, 0);
    assert!(!human.contains('\x1b') && !human.contains('\r'), "{human}");
    // What the text says is on no line of its own.
    let is_theirs = |line: &str| line.starts_with("two");
    assert!(!human.lines().any(is_theirs), "{human}");
    assert_eq!(json.lines().count(), 5);
    for line in json.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(value["v"], 1);
        assert!(value.get("text").is_none());
    }
}
