// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output of every command with `--format json` conforms to docs/json.schema.json.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    schema::check,
    support::{greet_user, json_lines, of_kind, stdout_of},
};

/// The lines, each validated, and the kinds among them.
fn written(arguments: &[&str]) -> (Vec<Value>, BTreeSet<String>) {
    let lines = json_lines(&stdout_of(&greet_user(arguments), 0));
    let kinds = lines.iter().filter_map(|line| line["kind"].as_str());
    let kinds = kinds.map(str::to_owned).collect();
    (lines, kinds)
}

fn assert_kinds(arguments: &[&str], expected: &[&str]) -> Vec<Value> {
    let (lines, kinds) = written(arguments);
    let expected = expected.iter().map(|kind| (*kind).to_owned()).collect();
    assert_eq!(kinds, expected, "{arguments:?}");
    lines
}

#[test]
fn a_greeting() {
    let lines = assert_kinds(&["--format", "json"], &["start", "exchange", "summary"]);
    let exchange = of_kind(&lines, "exchange")[0];
    assert_eq!(exchange["status"], "answered");
    assert!(exchange["round_trip_ns"].is_u64(), "{exchange}");
}

#[test]
fn a_traced_greeting() {
    let kinds = ["start", "message", "exchange", "summary"];
    assert_kinds(&["--trace", "--format", "json"], &kinds);
}

#[test]
fn a_watched_command() {
    let arguments = ["watch", "--format", "json", "--", "ip", "link"];
    let lines = assert_kinds(&arguments, &["start", "message", "exchange", "summary"]);
    let exchange = of_kind(&lines, "exchange")[0];
    assert_eq!(exchange["comm"], "ip");
}

#[test]
fn a_refused_request() {
    let script = "ip addr add 192.0.2.77/32 dev lo; ip addr add 192.0.2.77/32 dev lo
        ip addr del 192.0.2.77/32 dev lo";
    let (lines, _) = written(&["watch", "--format", "json", "--", "sh", "-c", script]);
    let messages = of_kind(&lines, "message").into_iter();
    let errors = messages.filter_map(|message| message["error"].as_i64());
    assert_eq!(errors.collect::<Vec<_>>(), [0, -17, 0], "{lines:?}");
}

#[test]
fn a_summary() {
    let arguments = [
        "watch",
        "--summary",
        "--format",
        "json",
        "--",
        "greet-user",
        "-c",
        "3",
        "-i",
        "0",
    ];
    let lines = assert_kinds(&arguments, &["start", "summary"]);
    assert_eq!(lines[1]["spans"]["total"]["count"], 3, "{}", lines[1]);
}

#[test]
fn all_sockets() {
    assert_kinds(&["sockets", "--format", "json"], &["socket"]);
}

#[test]
fn a_line_with_one_field_more_or_less_is_refused() {
    for line in written(&["--trace", "--format", "json"]).0 {
        assert_eq!(check(&line), Ok(()));
        let mut more = line.clone();
        more["unheard_of"] = Value::Null;
        assert!(check(&more).is_err(), "{more}");
        let mut less = line;
        less.as_object_mut().expect("an object").remove("v");
        assert!(check(&less).is_err(), "{less}");
    }
}
