// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user watch` shows the requested traffic, and nothing else.

use serde_json::Value;

use crate::support::{CALLBACK, command, greet_user, json_lines, of_kind, stdout_of};

fn watched(arguments: &[&str], status: i32) -> Vec<Value> {
    let mut all = vec!["watch", "--format", "json"];
    all.extend(arguments);
    let lines = json_lines(&stdout_of(&greet_user(&all), status));
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].clone()).collect();
    assert_eq!(kinds.first(), Some(&"start".into()));
    assert_eq!(kinds.last(), Some(&"summary".into()));
    assert_eq!(
        lines.last().map(|line| &line["events_dropped"]),
        Some(&0.into())
    );
    lines
}

#[test]
fn a_command_is_seen_from_its_first_message_on_to_its_end() {
    let lines = watched(
        &["-p", "greet", "--", "greet-user", "-c", "5", "-i", "0"],
        0,
    );
    let exchanges = of_kind(&lines, "exchange");
    assert_eq!(exchanges.len(), 5);
    for (exchange, seq) in exchanges.iter().zip(1..) {
        assert_eq!(exchange["seq"], seq);
        assert_eq!(exchange["status"], "answered");
        assert_eq!(exchange["callback"], CALLBACK);
        assert_eq!(
            exchange["stages"].as_object().map(serde_json::Map::len),
            Some(9)
        );
    }
    assert_eq!(of_kind(&lines, "message").len(), 10);
}

#[test]
fn a_commands_children_are_seen_and_nobody_else() {
    let mut other = command(&["-q", "-c", "1000000", "-i", "0.01"])
        .spawn()
        .expect("starts");
    let script = "(greet-user -q; exec greet-user -q) & wait; greet-user -q; exit 7";
    let lines = watched(&["-p", "31", "--", "sh", "-c", script], 7);
    other.kill().expect("it is running");
    other.wait().expect("ends");
    let exchanges = of_kind(&lines, "exchange");
    assert_eq!(exchanges.len(), 3);
    assert!(
        exchanges
            .iter()
            .all(|exchange| exchange["pid"] != other.id())
    );
}

#[test]
fn the_commands_status_is_ours() {
    watched(&["--", "true"], 0);
    watched(&["--", "sh", "-c", "exit 42"], 42);
    watched(&["--", "sh", "-c", "kill -TERM $$"], 143);
}

#[test]
fn a_dump_is_one_exchange_with_all_its_chunks() {
    let lines = watched(&["-p", "route", "--", "ip", "link"], 0);
    let exchanges = of_kind(&lines, "exchange");
    assert_eq!(exchanges.len(), 1, "{exchanges:?}");
    assert_eq!(exchanges[0]["status"], "answered");
    let replies = exchanges[0]["replies"].as_array().expect("a list");
    assert!(!replies.is_empty());
    for reply in replies {
        assert_eq!(reply["reader"]["comm"], "ip");
        assert_eq!(reply["reader"]["result"], reply["len"]);
    }
    let messages = of_kind(&lines, "message");
    assert_eq!(messages.len(), 1 + replies.len(), "each message once");
}

#[test]
fn filters_keep_everything_else_out() {
    for filter in [
        &["-p", "generic"][..],
        &["--port", "4294967295"],
        &["--netns", "1"],
        &["--comm", "somebody"],
    ] {
        let mut arguments = filter.to_vec();
        arguments.extend(["--", "greet-user", "-q"]);
        let lines = watched(&arguments, 0);
        assert_eq!(lines.len(), 2, "{filter:?}: {lines:?}");
    }
}

#[test]
fn only_the_hooks_of_the_stages_asked_for_are_attached() {
    let lines = watched(
        &["--stages", "queue", "-p", "31", "--", "greet-user", "-q"],
        0,
    );
    let hooks = lines[0]["hooks"].as_array().expect("a list");
    // By fentry or kprobe, whichever the kernel supports.
    let is_on = |function: &str| {
        let mut names = hooks.iter().filter_map(serde_json::Value::as_str);
        names.any(|name| name.split(':').nth(1) == Some(function))
    };
    assert!(is_on("__netlink_sendskb"), "{hooks:?}");
    assert!(!is_on("netlink_sendmsg"), "{hooks:?}");
    let exchanges = of_kind(&lines, "exchange");
    assert_eq!(exchanges.len(), 1);
    assert_eq!(
        exchanges[0]["stages"].as_object().map(serde_json::Map::len),
        Some(1)
    );
}

#[test]
fn a_summary_of_a_command_counts_it_all() {
    let lines = watched(
        &[
            "-p",
            "31",
            "--summary",
            "--",
            "greet-user",
            "-q",
            "-c",
            "3",
            "-i",
            "0",
        ],
        0,
    );
    let [_, summary] = lines.as_slice() else {
        panic!("a start and a summary: {lines:?}");
    };
    let counts = ["requests", "messages", "deliveries", "unmatched"].map(|name| &summary[name]);
    assert_eq!(counts, [3, 3, 3, 0], "{summary}");
    assert_eq!(summary["spans"]["total"]["count"], 3);
}
