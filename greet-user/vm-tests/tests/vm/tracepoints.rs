// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is visible on a kernel that allows neither fentry nor kprobes, or that lacks a field.

use std::{collections::BTreeSet, fs};

use greet_common::{Stage, wire::NETLINK_TEST_PROTOCOL};
use greet_trace::{
    Exchange, Trace, TraceBuilder, TraceError,
    kernel::{
        TracerError,
        btf::{Btf, KERNEL_BTF},
    },
    run::Unseen,
    tracer::Hooks,
};
use serde_json::Value;

use crate::support::{
    greet, greet_user, in_vm, json_lines, of_kind, open, read, require_vm, sentence_of, stdout_of,
    text_of,
};

const SHOWN: [Stage; 4] = [Stage::Queue, Stage::Sent, Stage::Receive, Stage::Delivered];

/// The three tracepoints of sockets were added in Linux 6.3.
fn is_old() -> bool {
    read("/proc/sys/kernel/osrelease").starts_with("6.1.")
}

fn greetings(hooks: Hooks) -> TraceBuilder {
    Trace::builder()
        .protocol(NETLINK_TEST_PROTOCOL)
        .hooks(hooks)
}

/// Everything that was seen by the end; nothing was missed.
fn seen(mut trace: Trace) -> Vec<Exchange> {
    trace.stop().expect("detaches");
    assert_eq!(trace.unseen().expect("is counted"), Unseen::default());
    assert_eq!((trace.unmatched(), trace.lost()), (0, 0));
    trace.take_all()
}

fn stages(exchange: &Exchange) -> Vec<Stage> {
    exchange.stages().iter().map(|(stage, _)| *stage).collect()
}

#[test]
fn a_greeting_has_the_stages_that_tracepoints_show() {
    in_vm(async {
        let trace = greetings(Hooks::Tracepoint).start().expect("attaches");
        let all = "not seen: send, cross, handle, reply, handled, the content and destination of \
                   requests, lost messages (no tracepoint shows it)";
        let missing = trace.attached().missing.clone();
        assert!(missing.contains(&all.to_owned()), "{missing:?}");
        let mut socket = open();
        let mut answers = Vec::new();
        for _ in 0..20 {
            answers.push(greet(&mut socket, "Hello, how are you?").await);
        }
        let found = seen(trace);
        assert_eq!(found.len(), 20);
        for (at, (exchange, answer)) in found.iter().zip(&answers).enumerate() {
            let [queued] = exchange.queued.as_slice() else {
                panic!("{} answers", exchange.queued.len());
            };
            let datagram = &queued.message.datagram;
            assert_eq!(datagram.data[16..], answer.payload[..]);
            assert!(datagram.text().is_some_and(|text| text == text_of(answer)));
            let read = queued.delivery.as_ref().expect("was read");
            assert_eq!((read.result, read.head.pid), (272, std::process::id()));
            if is_old() {
                assert_eq!(stages(exchange), [Stage::Receive]);
                assert!(exchange.request.is_none());
                continue;
            }
            assert_eq!(stages(exchange), SHOWN);
            assert_eq!(exchange.seq(), datagram.header().map(|header| header.seq));
            let request = exchange.request.as_ref().expect("a request");
            assert_eq!((request.result, request.datagram.len), (36, 36), "{at}");
            assert_eq!(request.datagram.portid, socket.portid());
            assert!(request.datagram.data.is_empty(), "nobody sees its bytes");
        }
        if is_old() {
            for tracepoint in ["sk_data_ready", "sock_send_length", "sock_recv_length"] {
                let sentence = format!("(this kernel has no tracepoint `{tracepoint}`)");
                assert!(
                    missing.iter().any(|said| said.ends_with(&sentence)),
                    "{missing:?}"
                );
            }
        } else {
            assert_eq!(missing.len(), 1, "{missing:?}");
        }
    });
}

fn watched(arguments: &[&str]) -> Vec<Value> {
    let start = ["watch", "--hooks", "tracepoint", "--format", "json"];
    let output = greet_user(&[&start[..], arguments].concat());
    let text = stdout_of(&output, 0);
    let lines = text.lines().filter(|line| line.starts_with('{'));
    json_lines(&lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_dump_is_one_exchange_by_tracepoints_too() {
    require_vm();
    let lines = watched(&["-p", "route", "--", "ip", "link"]);
    let exchanges = of_kind(&lines, "exchange");
    let messages = of_kind(&lines, "message");
    if is_old() {
        assert!(exchanges.iter().all(|one| one["status"] == "notification"));
        assert!(messages.iter().all(|one| one["stage"] == "receive"));
        return;
    }
    assert_eq!(exchanges.len(), 1, "{exchanges:?}");
    assert_eq!(exchanges[0]["status"], "answered");
    let replies = exchanges[0]["replies"].as_array().expect("a list");
    assert!(
        replies.len() > 1,
        "the last says that it is over: {replies:?}"
    );
    for reply in replies {
        let stages = reply["stages"].as_object().expect("an object");
        let names: BTreeSet<_> = stages.keys().map(String::as_str).collect();
        assert_eq!(names, ["delivered", "queue", "receive"].into());
        assert_eq!(reply["reader"]["result"], reply["len"]);
    }
    assert_eq!(messages.len(), 1 + replies.len(), "each message once");
    assert_eq!(messages[0]["stage"], "sent");
    assert_eq!(messages[0]["captured_len"], 0);
    let summary = of_kind(&lines, "summary");
    assert_eq!(summary[0]["events_dropped"], 0);
}

#[test]
fn stages_asked_for_take_their_tracepoints_alone() {
    require_vm();
    if is_old() {
        let sentence = sentence_of(
            &greet_user(&["watch", "--hooks", "tracepoint", "--stages", "queue"]),
            2,
        );
        assert!(
            sentence.contains("no tracepoint `sk_data_ready`"),
            "{sentence}"
        );
    } else {
        let lines = watched(&["-p", "31", "--stages", "sent", "--", "greet-user", "-q"]);
        let hooks = lines[0]["hooks"].as_array().expect("a list");
        assert!(hooks.iter().any(|hook| hook == "tp_btf:sock_send_length"));
        assert!(
            !hooks.iter().any(|hook| hook == "tp_btf:sk_data_ready"),
            "{hooks:?}"
        );
        assert_eq!(of_kind(&lines, "message")[0]["stage"], "sent");
    }
    let cross = greet_user(&["watch", "--hooks", "tracepoint", "--stages", "cross"]);
    assert!(sentence_of(&cross, 2).contains("requested stages"));
}

/// This kernel's types, with one field renamed.
fn without(field: &str) -> Btf {
    let mut data = fs::read(KERNEL_BTF).expect("the kernel has BTF");
    let name = [b"\0", field.as_bytes(), b"\0"].concat();
    let mut windows = data.windows(name.len());
    let at = windows
        .position(|window| window == name)
        .expect("the field's name");
    data[at + 1] = b'?';
    Btf::from_bytes(data).expect("BTF")
}

#[test]
fn a_missing_field_costs_its_stages_and_no_others() {
    in_vm(async {
        for hooks in [Hooks::Fentry, Hooks::Kprobe] {
            let trace = greetings(hooks).types(without("data_len")).start();
            let trace = trace.expect("attaches the rest");
            let missing = trace.attached().missing.clone();
            let [said] = missing.as_slice() else {
                panic!("{missing:?}");
            };
            assert!(said.contains("`data_len` in `struct sk_buff`"), "{said}");
            let stages = "not seen: cross, reply, queue, receive, delivered (";
            assert!(said.starts_with(stages), "{said}");
            let mut socket = open();
            greet(&mut socket, "Hello, how are you?").await;
            let found = seen(trace);
            let [exchange] = found.as_slice() else {
                panic!("{hooks:?}: {} exchanges", found.len());
            };
            let shown: Vec<_> = exchange.stages().iter().map(|(stage, _)| *stage).collect();
            let expected = [Stage::Send, Stage::Handle, Stage::Handled, Stage::Sent];
            assert_eq!(shown, expected, "{hooks:?}");
        }
        let all = greetings(Hooks::Auto).types(without("sk_protocol")).start();
        assert!(
            matches!(all, Err(TraceError::Tracer(TracerError::Offset(_)))),
            "every program needs it"
        );
    });
}
