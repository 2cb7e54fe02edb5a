// SPDX-License-Identifier: MIT OR Apache-2.0
//! All that a watch can tell, and every line against the schema.

use std::collections::BTreeMap;

use greet_common::{
    event::{EXTACK_SIZE, RecordKind},
    wire::NLMSG_ERROR,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    event::{
        Datagram, Delivery, Event, Extack, Loss, Message, Owner,
        tests::{bytes, datagram, greeting, head},
    },
    journey::{Journey, MSG_PEEK, Watched},
    output::schema::{SCHEMA, check, checked},
    run::{Counts, System},
    statistics::Durations,
    tracer::Attached,
};

/// Messages of thread 71 in a call, or outside of any.
fn queued(call: u32, skb: u64, datagram: Datagram) -> Event {
    let head = head(RecordKind::Message, 71, call);
    Event::Message(Message {
        head: crate::event::Head {
            call: if call == 0 { 0 } else { head.call },
            ..head
        },
        skb,
        reply_ns: 0,
        queue_ns: 5_000,
        datagram,
    })
}

/// A greeting that is looked at before it is read.
fn looked_at() -> Vec<Event> {
    let [message, request, delivery] = greeting(71, 1, 1_000);
    let mut look = delivery.clone();
    if let Event::Delivery(look) = &mut look {
        look.flags = MSG_PEEK;
    }
    vec![message, request, look, delivery]
}

/// A request that the kernel refuses, with its reason and a second answer that got lost.
fn refused() -> Vec<Event> {
    let [_, request, _] = greeting(71, 2, 200_000);
    let mut text = [0; EXTACK_SIZE];
    text[..15].copy_from_slice(b"Unknown \"thing\"");
    let mut error = (-22_i32).to_ne_bytes().to_vec();
    error.extend(bytes(20, 5, 2, 71, b""));
    let answer = datagram(0, 71, &bytes(NLMSG_ERROR, 0, 2, 71, &error));
    let loss = |overrun| {
        Event::Loss(Loss {
            head: head(RecordKind::Loss, 71, 4),
            time_ns: 6_000,
            netns: 4_026_531_840,
            portid: 71,
            result: -105,
            overrun,
            inode: 77,
            owner: Some(Owner::of(&head(RecordKind::Loss, 71, 4))),
        })
    };
    vec![
        queued(4, 1, answer),
        Event::Extack(Extack {
            head: head(RecordKind::Extack, 71, 4),
            time_ns: 4_000,
            text,
        }),
        loss(0),
        loss(1),
        request,
    ]
}

/// Requests to another process: one that fails, one that it reads.
fn between_processes() -> Vec<Event> {
    let mut events = Vec::new();
    for (seq, result) in [(3, -111), (4, 36)] {
        let [_, mut request, _] = greeting(71, seq, 300_000);
        let Event::Request(sent) = &mut request else {
            unreachable!("the second is the request");
        };
        sent.datagram.peer_portid = 99;
        sent.result = result;
        sent.head.protocol = 2;
        sent.datagram.protocol = 2;
        let arrival = sent.datagram.clone();
        if result > 0 {
            events.push(queued(2 * seq, 2, arrival));
        }
        events.push(request);
    }
    let mut reader = head(RecordKind::Delivery, 99, 1);
    reader.sock = head(RecordKind::Message, 71, 1).sock;
    events.push(Event::Delivery(Delivery {
        head: reader,
        skb: 2,
        receive_ns: 400_000,
        delivered_ns: 401_000,
        result: 36,
        flags: 0,
        copied: 36,
        padding: 0,
    }));
    events
}

/// A dump of what changed meanwhile, read in part.
fn cut_dump() -> Vec<Event> {
    let [mut message, request, mut delivery] = greeting(71, 5, 500_000);
    if let Event::Message(message) = &mut message {
        message.skb = 5;
        message.datagram = datagram(0, 71, &bytes(16, 0x12, 5, 71, &[0; 64]));
    }
    if let Event::Delivery(read) = &mut delivery {
        (read.skb, read.flags, read.result, read.copied) = (5, 0x20, 80, 30);
    }
    vec![message, request, delivery]
}

/// Two messages in one datagram, to everybody in group 1, by a protocol without a name.
fn notification() -> Vec<Event> {
    let mut data = bytes(16, 0x302, 0, 0, b"\x01\x02\x03\x04");
    data.extend(bytes(17, 2, 0, 0, b""));
    let mut datagram = datagram(0, 71, &data);
    datagram.group = 1;
    datagram.beyond.nsid = Some(42);
    datagram.protocol = 30;
    vec![queued(0, 3, datagram)]
}

fn opening() -> Opening {
    let attached = Attached {
        hooks: vec!["fentry:netlink_unicast".to_owned()],
        missing: vec!["stage handle: there is no callback".to_owned()],
        ..Attached::default()
    };
    Opening {
        began_ns: 0,
        deliveries: true,
        run: Run::Watch(System {
            tool: "greet-user 0.1.0".to_owned(),
            kernel: "6.12.1-test".to_owned(),
            boot_time_unix_ns: 1_700_000_000_000_000_000,
            attached,
        }),
    }
}

fn observed() -> Summary {
    let mut times = Durations::default();
    times.push(10_000);
    let found = times.distribution().expect("there is one");
    Summary {
        events: 13,
        events_dropped: 1,
        calls_missed: 2,
        counts: Counts {
            requests: 4,
            messages: 4,
            deliveries: 2,
            refused: 2,
            died: 1,
            unsent: 1,
            truncated: 1,
            overruns: 1,
            failed: 1,
            unmatched: 0,
            cut_short: 0,
        },
        spans: crate::journey::SPANS.map(|(name, ..)| (name, found)).into(),
        totals: times.histogram(),
        ..Summary::default()
    }
}

/// All of it, as `watch --format json` writes it.
fn watched() -> String {
    let mut out = Vec::new();
    let mut output = Json::new(&mut out, false);
    let mut journey = Journey::new(true);
    output.open(&opening()).expect("writes to memory");
    let mut emit = |update: Update<'_>| {
        let written = output.update(&update, Some("netlink_recv_msg_fn"));
        written.expect("writes to memory");
    };
    let dumps = [cut_dump(), notification()].concat();
    let events = [looked_at(), refused(), between_processes(), dumps];
    for event in events.into_iter().flatten() {
        journey.push(event, &mut emit);
    }
    journey.finish(&mut emit);
    assert_eq!(journey.unmatched(), 0);
    output.close(&observed()).expect("writes to memory");
    String::from_utf8(out).expect("UTF-8")
}

/// What is written here, and all lines of the other snapshots.
fn lines() -> Vec<Value> {
    let mut text = watched();
    for snapshot in [
        include_str!("../snapshots/greet_user__output__tests__traced_json.snap"),
        include_str!("../snapshots/greet_user__output__tests__untraced_json.snap"),
        include_str!("../snapshots/greet_user__output__tests__lost_json.snap"),
        include_str!(
            "../../sockets/table/snapshots/greet_user__sockets__table__tests__as_json.snap"
        ),
        include_str!("../../doctor/snapshots/greet_user__doctor__tests__json.snap"),
    ] {
        text.push('\n');
        text.push_str(snapshot);
    }
    checked(&text)
}

#[test]
fn all_that_a_watch_can_tell() {
    insta::assert_snapshot!("watched_json", watched());
}

#[test]
fn what_the_hooks_cannot_know_is_absent() {
    let summary = |watched| {
        let mut out = Vec::new();
        let observed = Summary {
            watched,
            ..observed()
        };
        let mut output = Json::new(&mut out, false);
        output.close(&observed).expect("writes to memory");
        let text = String::from_utf8(out).expect("UTF-8");
        checked(&text).pop().expect("a line")
    };
    let all = Watched::ALL;
    for (watched, absent) in [
        (all, &[][..]),
        (
            Watched {
                losses: false,
                ..all
            },
            &["lost", "overruns", "failed"],
        ),
        (
            Watched {
                deliveries: false,
                ..all
            },
            &["received", "deliveries", "truncated"],
        ),
        (
            Watched {
                requests: false,
                ..all
            },
            &["sent", "requests", "refused", "unsent"],
        ),
        (
            Watched {
                bytes: false,
                ..all
            },
            &["refused"],
        ),
    ] {
        let line = summary(watched);
        for name in [
            "sent",
            "received",
            "lost",
            "requests",
            "deliveries",
            "refused",
            "unsent",
            "truncated",
            "overruns",
            "failed",
        ] {
            assert_eq!(
                line.get(name).is_none(),
                absent.contains(&name),
                "{name}: {line}"
            );
        }
    }
}

/// The schema's objects: each by its place, with its properties.
fn objects<'a>(at: &str, schema: &'a Value, found: &mut BTreeMap<String, &'a Value>) {
    if schema.get("properties").is_some() {
        found.insert(at.to_owned(), schema);
    }
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                objects(&format!("{at}/{name}"), value, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                objects(&format!("{at}/{index}"), value, found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_schema_describes_every_field_and_allows_no_other() {
    let mut found = BTreeMap::new();
    objects("", &SCHEMA, &mut found);
    assert!(found.len() > 12, "{found:?}");
    for (place, object) in found {
        assert_eq!(object["additionalProperties"], false, "{place}");
        let properties = object["properties"].as_object().expect("an object");
        for (name, property) in properties {
            let named = property["$ref"].as_str();
            let named = named.and_then(|place| SCHEMA.pointer(place.trim_start_matches('#')));
            let texts = [Some(property), named].map(|from| from?["description"].as_str());
            let text = texts.into_iter().flatten().next();
            assert!(
                text.is_some_and(|text| text.ends_with('.')),
                "{place}: {name} is not described"
            );
        }
    }
}

#[test]
fn what_is_documented_is_written() {
    let lines = lines();
    let kinds = SCHEMA["oneOf"].as_array().expect("a list");
    for kind in kinds {
        let place = kind["$ref"].as_str().expect("a reference");
        let kind = place.rsplit('/').next().expect("a name");
        let documented = &SCHEMA["$defs"][kind]["properties"];
        for name in documented.as_object().expect("an object").keys() {
            let mut of_kind = lines.iter().filter(|line| line["kind"] == kind);
            assert!(
                of_kind.any(|line| line.get(name).is_some()),
                "no line of kind {kind} has {name}"
            );
        }
    }
}

#[test]
fn a_line_with_an_unknown_field_or_without_a_needed_one_is_refused() {
    for line in lines() {
        let mut more = line.clone();
        more["unheard_of"] = json!(1);
        let error = check(&more).expect_err("an unknown field");
        assert!(error.contains("unheard_of"), "{error}");

        let kind = line["kind"].as_str().expect("a kind");
        let required = SCHEMA["$defs"][kind]["required"].as_array();
        for name in required.expect("a list") {
            let mut less = line.clone();
            let name = name.as_str().expect("a name");
            less.as_object_mut().expect("an object").remove(name);
            assert!(check(&less).is_err(), "{kind} without {name}");
        }
    }
}

#[test]
fn a_field_of_another_type_or_a_part_with_more_is_refused() {
    let lines = lines();
    for (kind, place, value) in [
        ("message", "/headers/0/flags", json!(5)),
        ("message", "/payload_hex", json!("48656")),
        ("message", "/t_ns", json!("1000")),
        ("message", "/stage", json!("handled")),
        ("exchange", "/status", json!("fine")),
        ("exchange", "/stages", json!({"sent": 1, "arrived": 2})),
        ("exchange", "/spans", json!({"total": -1})),
        ("exchange", "/replies", json!([{"len": 1, "why": 2}])),
        ("summary", "/spans/handler", json!({"min": 1})),
        ("summary", "/v", json!(2)),
        ("start", "/hooks", json!("fentry:netlink_unicast")),
        ("socket", "/portid", json!(4_294_967_296_u64)),
    ] {
        let mut of_kind = lines.iter().filter(|line| line["kind"] == kind);
        let line = of_kind.find(|line| line.pointer(place).is_some());
        let mut line = line.expect("one that has it").clone();
        *line.pointer_mut(place).expect("it is there") = value;
        assert!(check(&line).is_err(), "{line}");
    }
}
