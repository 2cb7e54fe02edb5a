// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each format looks like.

mod agreement;
mod human;

use greet_common::wire::{Header, NLMSG_DONE};
use greet_trace::{
    event::{Event, samples::greeting},
    greeting::{Answer, Greeting, Outcome, Sent, Traced},
    journey::{Exchange, Journey, Update},
    run::{Counts, Greetings, Opening, Run, Start, Summary, System},
    statistics::Durations,
    tracer::Attached,
};

use std::rc::Rc;

use super::*;
use crate::view::View;

fn opening(traced: bool) -> Opening {
    let start = Start {
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
    };
    Opening {
        began_ns: 0,
        deliveries: true,
        run: Run::Greetings(start),
    }
}

fn exchange(events: Vec<Event>) -> Exchange {
    let mut journey = Journey::new(true);
    let mut found = None;
    let mut keep = |update: Update<'_>| found = update.into_exchange().or(found.take());
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
        trace: events.map(|events| Traced {
            exchange: Rc::new(exchange(events)),
            callback: Some("netlink_recv_msg_fn".to_owned()),
        }),
        pid: 70,
        portid: 71,
    }
}

fn summary(lost: u64, traced: bool) -> Summary {
    let mut times = Durations::default();
    times.push(99_950);
    let greetings = Greetings {
        sent: 1,
        received: 1 - lost,
        lost,
        duration_ns: 12_345_678,
        round_trips: times.distribution().filter(|_| lost == 0),
    };
    let untraced = Summary {
        greetings: Some(greetings),
        ..Summary::default()
    };
    if !traced {
        return untraced;
    }
    let handler = times.distribution().map(|found| ("handler", found));
    Summary {
        is_traced: true,
        events: 6,
        events_dropped: lost,
        calls_missed: 2 * lost,
        spans: handler.into_iter().collect(),
        totals: times.histogram(),
        ..untraced
    }
}

/// What both formats show of a greeting and these events.
fn shown(greeting: &Greeting, events: &[Event], lost: u64) -> (String, String) {
    let traced = greeting.trace.is_some();
    let show = |view: &mut dyn View| {
        view.open(&opening(traced)).expect("writes to memory");
        let mut journey = Journey::new(true);
        let mut emit = |update: Update<'_>| {
            view.update(&update, None).expect("writes to memory");
        };
        for event in events {
            journey.push(event.clone(), &mut emit);
        }
        journey.finish(&mut emit);
        view.greeting(greeting).expect("writes to memory");
        view.close(&summary(lost, traced))
            .expect("writes to memory");
    };
    let (mut human, mut json) = (Vec::new(), Vec::new());
    show(&mut Human::new(&mut human, RenderOptions::default(), false));
    show(&mut Json::new(&mut json, false));
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(human), text(json))
}

const TEXT: &[u8] = b"Hello! Msg from process 71 has been processed by kernel";

#[test]
fn a_traced_greeting() {
    let events = greeting(71, 1, 1_005_000).to_vec();
    let (human, json) = shown(&one(answered(TEXT), Some(events.clone())), &events, 0);
    insta::assert_snapshot!("traced_human", human);
    insta::assert_snapshot!("traced_json", json);
}

#[test]
fn an_untraced_greeting() {
    let (human, json) = shown(&one(answered(TEXT), None), &[], 0);
    insta::assert_snapshot!("untraced_human", human);
    insta::assert_snapshot!("untraced_json", json);
}

#[test]
fn a_lost_greeting() {
    let mut events = greeting(71, 1, 1_005_000).to_vec();
    events.pop();
    let mut lost = one(
        Outcome::Lost("no reply to greeting 1 within 5 s".to_owned()),
        Some(events.clone()),
    );
    lost.rejected
        .push("a message from port 4711 instead of the kernel (port 0) was rejected".to_owned());
    let (human, json) = shown(&lost, &events, 1);
    insta::assert_snapshot!("lost_human", human);
    insta::assert_snapshot!("lost_json", json);
}

#[test]
fn what_is_lost_during_a_greeting_is_a_line_of_its_own() {
    let [_, request, _] = greeting(71, 1, 1_005_000);
    let mut lost = human::shapes::overrun();
    lost.retain(|event| matches!(event, Event::Loss(_)));
    let events = [lost, vec![request]].concat();
    let outcome = Outcome::Lost("no reply to greeting 1 within 5 s".to_owned());
    let (_, json) = shown(&one(outcome, Some(events.clone())), &events, 1);
    let kinds = schema::checked(&json).into_iter();
    let kinds: Vec<_> = kinds.map(|line| line["kind"].clone()).collect();
    assert_eq!(kinds, ["start", "message", "loss", "exchange", "summary"]);
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
    let (human, json) = shown(&one(answered(TEXT), Some(events.clone())), &events, 0);
    insta::assert_snapshot!("tracepoints_human", human);
    insta::assert_snapshot!("tracepoints_json", json);
    let mut lines = Vec::new();
    let mut human = Human::new(&mut lines, RenderOptions::default(), false);
    let mut journey = Journey::new(true);
    let mut emit = |update: Update<'_>| human.update(&update, None).expect("writes to memory");
    for event in events {
        journey.push(event, &mut emit);
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
    let greeting = one(answered(b"one\ntwo\x1b[2J"), Some(events.clone()));
    let (human, json) = shown(&greeting, &events, 0);
    assert!(!human.contains('\x1b') && !human.contains('\r'), "{human}");
    // The text does not start a line of its own.
    let is_theirs = |line: &str| line.starts_with("two");
    assert!(!human.lines().any(is_theirs), "{human}");
    assert_eq!(json.lines().count(), 5);
    for line in json.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(value["v"], 1);
        assert!(value.get("text").is_none());
    }
}
