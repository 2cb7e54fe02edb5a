// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user --trace` shows exactly the crossings that happened, in order.

use serde_json::Value;

use crate::support::{CALLBACK, ReplyDelay, greet_user, json_lines, of_kind, stdout_of};

/// The stages of a greeting, in order.
const STAGES: [&str; 9] = [
    "send",
    "cross",
    "handle",
    "reply",
    "queue",
    "handled",
    "sent",
    "receive",
    "delivered",
];
/// The named spans, and the stages that delimit them.
const SPANS: [(&str, &str, &str); 9] = [
    ("copy_in", "send", "cross"),
    ("dispatch", "cross", "handle"),
    ("handler", "handle", "handled"),
    ("build", "handle", "reply"),
    ("enqueue", "reply", "queue"),
    ("return", "handled", "sent"),
    ("queue_wait", "queue", "receive"),
    ("copy_out", "receive", "delivered"),
    ("total", "send", "delivered"),
];

fn traced(arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["--trace", "--format", "json"];
    all.extend(arguments);
    let lines = json_lines(&stdout_of(&greet_user(&all), 0));
    assert_eq!(
        lines.first().map(|line| &line["kind"]),
        Some(&"start".into())
    );
    assert_eq!(
        lines.last().map(|line| &line["kind"]),
        Some(&"summary".into())
    );
    assert!(lines.iter().all(|line| line["v"] == 1));
    lines
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn names(stages: &Value) -> Vec<&str> {
    stages
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn three_greetings_are_three_requests_and_three_answers() {
    let lines = traced(&["-c", "3", "-i", "0", "How do you do?"]);
    let messages = of_kind(&lines, "message");
    assert_eq!(messages.len(), 6);
    let portid = &messages[0]["portid"];
    assert_ne!(number(portid), 0);
    for (pair, seq) in messages.chunks(2).zip(1..) {
        let [request, answer] = pair else {
            panic!("a request without an answer");
        };
        assert_eq!(
            (&request["stage"], &answer["stage"]),
            (&"cross".into(), &"reply".into())
        );
        assert_eq!(request["direction"], "user_to_kernel");
        assert_eq!(answer["direction"], "kernel_to_user");
        // 16 bytes of header, 14 of text, its NUL; 256 bytes of reply.
        assert_eq!((number(&request["len"]), number(&answer["len"])), (31, 272));
        assert_eq!(
            (
                number(&request["captured_len"]),
                number(&answer["captured_len"])
            ),
            (31, 272)
        );
        assert_eq!(
            (&request["portid"], &request["peer_portid"]),
            (portid, &0.into())
        );
        assert_eq!(
            (&answer["portid"], &answer["peer_portid"]),
            (&0.into(), portid)
        );
        for (message, kind, flags) in [
            (request, 20, vec!["NLM_F_REQUEST", "NLM_F_ACK"]),
            (answer, 3, vec![]),
        ] {
            assert_eq!(message["headers"].as_array().map(Vec::len), Some(1));
            let header = &message["headers"][0];
            assert_eq!(
                (number(&header["seq"]), number(&header["type"])),
                (seq, kind)
            );
            assert_eq!(header["flags"], Value::from(flags));
            assert_eq!(
                (number(&message["protocol"]), &message["comm"]),
                (31, &"greet-user".into())
            );
            assert_eq!(message.get("error"), None);
        }
        assert_eq!(request["text"], "How do you do?");
        assert_eq!(request["payload_hex"], "486f7720646f20796f7520646f3f00");
        let text = answer["text"].as_str().expect("text");
        assert!(
            text.contains(&format!("process {portid} has been processed by kernel")),
            "{text}"
        );
    }
    let times: Vec<_> = messages
        .iter()
        .map(|message| number(&message["t_ns"]))
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn every_stage_is_there_in_order_and_the_times_agree() {
    let lines = traced(&["-c", "5", "-i", "0"]);
    let exchanges = of_kind(&lines, "exchange");
    assert_eq!(exchanges.len(), 5);
    for exchange in exchanges {
        let stages = &exchange["stages"];
        let mut in_time = names(stages);
        in_time.sort_by_key(|name| number(&stages[*name]));
        assert_eq!(in_time, STAGES);
        let at = |stage: &str| number(&stages[stage]);
        let spans = &exchange["spans"];
        for (name, from, to) in SPANS {
            assert_eq!(number(&spans[name]), at(to) - at(from), "{name}");
        }
        assert_eq!(at("send"), 0);
        // A single clock: the kernel's stages are between the client's two timestamps.
        assert!(at("delivered") < number(&exchange["round_trip_ns"]));
        assert_eq!(
            (&exchange["status"], &exchange["callback"]),
            (&"answered".into(), &CALLBACK.into())
        );
    }
    let summary = lines.last().expect("the summary");
    for (name, expected) in [
        ("sent", 5),
        ("received", 5),
        ("lost", 0),
        ("events", 20),
        ("events_dropped", 0),
    ] {
        assert_eq!(number(&summary[name]), expected, "{name}");
    }
    assert_eq!(number(&summary["spans"]["handler"]["count"]), 5);
}

#[test]
fn a_known_delay_is_found_in_the_handler() {
    let delay = ReplyDelay::of(50_000);
    let lines = traced(&[]);
    drop(delay);
    let spans = &of_kind(&lines, "exchange")[0]["spans"];
    assert!(number(&spans["handler"]) >= 50_000_000, "{spans}");
    assert!(number(&spans["dispatch"]) < 50_000_000, "{spans}");
}

#[test]
fn what_did_not_happen_is_not_shown() {
    let lines = traced(&["--no-ack"]);
    let messages = of_kind(&lines, "message");
    assert_eq!(messages.len(), 1);
    assert_eq!(
        messages[0]["headers"][0]["flags"],
        Value::from(vec!["NLM_F_REQUEST"])
    );
    let exchange = of_kind(&lines, "exchange")[0];
    assert_eq!(exchange["replies"], Value::Array(Vec::new()));
    let mut stages = names(&exchange["stages"]);
    stages.sort_unstable();
    assert_eq!(stages, ["cross", "handle", "handled", "send", "sent"]);
}

#[test]
fn people_see_the_same_in_order_with_a_time_on_each_line() {
    let text = stdout_of(&greet_user(&["--trace"]), 0);
    assert!(!text.contains('\x1b'), "no colours in a pipe: {text}");
    let mut lines = text.lines();
    for (stage, function, words) in [
        ("send", "netlink_sendmsg", "sendmsg()"),
        ("cross", "netlink_unicast", "36 bytes"),
        ("handle", CALLBACK, ""),
        ("reply", "netlink_unicast", "272 bytes"),
        ("queue", "__netlink_sendskb", "[queue of port"),
        ("handled", CALLBACK, ""),
        ("sent", "netlink_sendmsg", "returns 36"),
        ("receive", "skb_recv_datagram", "[queue of port"),
        ("delivered", "netlink_recvmsg", "272 bytes"),
    ] {
        let kernels = format!(" {stage:<9} {function}");
        let found = lines.find(|line| line.contains(words) && line.ends_with(&kernels));
        let line = found.unwrap_or_else(|| panic!("{stage} is missing or out of order:\n{text}"));
        let time = line
            .split_whitespace()
            .next()
            .and_then(|time| time.parse::<f64>().ok());
        assert!(time.is_some(), "no time: {line}");
    }
    assert!(text.contains("4 events seen, 0 dropped"), "{text}");
    assert!(text.contains("answered  round trip "), "{text}");
}

#[test]
fn a_header_of_ones_own_and_a_callback_that_does_not_reply() {
    let header = [
        "--flags",
        "NLM_F_REQUEST",
        "--type",
        "0x11",
        "--nlmsg-pid",
        "7",
    ];
    let all = [&["--trace", "--format", "json", "-W", "0.1"], &header[..]].concat();
    let lines = json_lines(&stdout_of(&greet_user(&all), 1));
    let sent = &of_kind(&lines, "message")[0]["headers"][0];
    assert_eq!((&sent["type"], &sent["portid"]), (&17.into(), &7.into()));
    assert_eq!(sent["flags"], serde_json::json!(["NLM_F_REQUEST"]));
    let exchange = of_kind(&lines, "exchange")[0];
    assert_eq!(exchange["status"], "lost");
    let reason = exchange["reason"].as_str().expect("a reason");
    assert!(
        reason.ends_with(": the callback ran and sent no reply"),
        "{reason}"
    );
    // Exactly NLM_F_ACK, as one of the modules requires.
    let answered = stdout_of(&greet_user(&["--flags", "0x4", "--type", "0", "-q"]), 0);
    assert!(answered.contains("1 sent, 1 answered"), "{answered}");
}
