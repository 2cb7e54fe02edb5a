// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data of a page says what the JSON lines of the same events say.

use std::{fs::File, path::Path};

use greet_common::Stage;
use greet_trace::{
    journey::SPANS,
    recording::{Entry, Reader},
};
use serde_json::{Map, json};

use super::*;
use crate::output::Json;

fn events(name: &str) -> Vec<Event> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo");
    let path = Path::new(&package).join("tests/recordings").join(name);
    let reader = Reader::open(File::open(&path).expect("a recording"), &path);
    let entries = reader.expect("a recording");
    let events = entries.filter_map(|entry| match entry.expect("a whole one") {
        Entry::Event(event) => Some(event),
        _ => None,
    });
    events.collect()
}

/// An exchange of the page, as a JSON line has it.
fn as_line(one: &Value) -> Value {
    let found = one["stages"].clone();
    let spans = SPANS.iter().filter_map(|(span, from, to)| {
        let at = |stage: &Stage| found[stage.name()].as_u64();
        Some(((*span).to_owned(), at(to)?.checked_sub(at(from)?)?.into()))
    });
    let mut spans: Map<String, Value> = spans.collect();
    // A line has the first by its older name as well.
    let total = spans.get("first_reply").cloned();
    spans.extend(total.map(|ns| ("total".to_owned(), ns)));
    if !one["complete"].is_null() {
        spans.insert("complete".to_owned(), one["complete"].clone());
    }
    let messages = one["messages"].as_array().expect("messages");
    let (requests, replies): (Vec<_>, Vec<_>) = messages
        .iter()
        .partition(|message| message["is_request"] == true);
    let short = |message: &&Value| {
        json!({"len": message["len"], "text": message["text"], "error": message["error"]["number"],
            "reader": message["reader"]["process"]["comm"]})
    };
    json!({
        "status": one["status"], "pid": one["owner"]["pid"], "comm": one["owner"]["comm"],
        "protocol": one["protocol"],
        "portid": one["port"], "seq": one["seq"], "callback": one["callback"], "t_ns": one["time_ns"],
        "stages": found, "spans": spans, "extack": one["extacks"],
        "request": requests.first().map(short),
        "replies": replies.iter().map(short).collect::<Vec<_>>(),
    })
}

/// The same of a JSON line.
fn short(line: &Value) -> Value {
    let of = |message: &Value| {
        json!({"len": message["len"], "text": message["text"], "error": message["error"],
            "reader": message["reader"]["comm"]})
    };
    let mut short: Map<String, Value> = [
        "status", "pid", "comm", "protocol", "portid", "seq", "callback", "t_ns", "stages",
        "spans", "extack",
    ]
    .map(|name| (name.to_owned(), line[name].clone()))
    .into_iter()
    .collect();
    let request = line.get("request").map(of);
    short.insert("request".to_owned(), request.into());
    let replies = line["replies"].as_array().expect("replies");
    short.insert("replies".to_owned(), replies.iter().map(of).collect());
    short.into()
}

#[test]
fn a_page_holds_what_the_json_lines_say() {
    for name in ["v1-greetings.greet", "v1-watch.greet"] {
        let mut lines = Vec::new();
        let page = page(
            events(name),
            100,
            "greet-user",
            &mut Json::new(&mut lines, false),
        );
        let found = data(&page);
        let lines = String::from_utf8(lines).expect("UTF-8");
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect(line));
        let (exchanges, messages): (Vec<_>, Vec<_>) = lines
            .filter(|line| line["kind"] == "exchange" || line["kind"] == "message")
            .partition(|line| line["kind"] == "exchange");
        let mut wanted: Vec<_> = exchanges.iter().map(short).collect();
        wanted.sort_by_key(|line| line["t_ns"].as_u64());
        let kept = found["exchanges"].as_array().expect("exchanges");
        let kept: Vec<_> = kept.iter().map(as_line).collect();
        assert_eq!(kept, wanted, "{name}");
        // And the bytes of each message, with the zeros that a page leaves out at their end.
        let all = found["exchanges"].as_array().into_iter().flatten();
        let mut bytes: Vec<_> = all
            .flat_map(|one| one["messages"].as_array().expect("messages"))
            .map(|message| {
                let len = usize::try_from(message["captured"].as_u64().expect("a length"))
                    .expect("short");
                format!("{:0<1$}", message["hex"].as_str().expect("bytes"), 2 * len)
            })
            .collect();
        let mut told: Vec<_> = messages
            .iter()
            .map(|line| {
                line.get("data_hex")
                    .map_or_else(|| line["payload_hex"].clone(), Clone::clone)
            })
            .map(|hex| hex.as_str().expect("bytes").to_owned())
            .collect();
        bytes.sort_by_key(|hex| std::cmp::Reverse(hex.len()));
        told.sort_by_key(|hex| std::cmp::Reverse(hex.len()));
        assert_eq!(bytes.len(), told.len());
        for hex in told {
            let at = bytes
                .iter()
                .position(|found| found.ends_with(&hex))
                .expect(&hex);
            bytes.swap_remove(at);
        }
    }
}
