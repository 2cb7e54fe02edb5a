// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that a watch can emit, with every line checked against the schema.

mod traffic;

use std::collections::BTreeMap;

use greet_trace::{
    journey::{Journey, Watched},
    run::{Counts, System},
    statistics::Durations,
    tracer::Attached,
};
use serde_json::{Value, json};

use super::*;
use crate::output::schema::{SCHEMA, check, checked};
use traffic::{between_processes, cut_dump, looked_at, notification, refused};

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
        spans: greet_trace::journey::SPANS
            .map(|(name, ..)| (name, found))
            .into(),
        totals: times.histogram(),
        ..Summary::default()
    }
}

/// All of it, as written by `watch --format json`.
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

/// The lines written here, and those of the other snapshots.
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

/// The schema's objects that have properties, by path.
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
