// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module with a double free: a single message that names a port without a socket kills its
//! sender, or the kernel. Each of these tests has a machine of its own, with such a module
//! (`xtask/src/test/crash.rs`).

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    support::{
        CALLBACK, ReplyDelay, command, greet_user, json_lines, of_kind, require_vm, stdout_of,
        until,
    },
    watching::{Watching, signal},
};

/// A port ID without a socket.
const NOBODY: &str = "4000000000";
/// The text of the message that kills its sender.
const TEXT: &str = "is anybody there?";

fn died(lines: &[Value]) -> Vec<&Value> {
    let mut exchanges = of_kind(lines, "exchange");
    exchanges.retain(|exchange| exchange["status"] == "died");
    exchanges
}

/// Checks everything that is known about the request.
fn check(lines: &[Value]) {
    let exchanges = died(lines);
    let [exchange] = exchanges.as_slice() else {
        panic!("{} died: {lines:?}", exchanges.len());
    };
    assert_eq!(exchange["request"]["text"], TEXT);
    assert_eq!(exchange["reason"], "the task died in the callback");
    assert_eq!(
        (&exchange["comm"], &exchange["callback"]),
        (&"greet-user".into(), &CALLBACK.into())
    );
    let stages = exchange["stages"].as_object().expect("stages");
    let stages: Vec<_> = stages.keys().map(String::as_str).collect();
    assert_eq!(stages, ["send", "cross", "handle"], "{exchange}");
    let losses = of_kind(lines, "loss");
    assert_eq!(
        (losses.len(), &losses[0]["error"]),
        (1, &(-111).into()),
        "why: {losses:?}"
    );
    let messages = of_kind(lines, "message");
    let requests = messages.iter().filter(|message| message["text"] == TEXT);
    assert_eq!(requests.count(), 1, "it is told once: {messages:?}");
    let summary = lines.last().expect("a summary");
    assert_eq!(
        (&summary["requests"], &summary["died"]),
        (&1.into(), &1.into())
    );
}

/// Two watchers see a single message: after the double free the kernel's next socket buffers are
/// corrupt, so no further netlink message may be sent on this machine, neither by a second sender
/// nor by the self-test of a second watcher.
#[test]
fn a_request_that_kills_its_task_is_in_every_view() {
    require_vm();
    let files = [
        "--record",
        "/tmp/died.greet",
        "--pcapng",
        "/tmp/died.pcapng",
    ];
    let report = [
        "--report",
        "/tmp/died.html",
        "-p",
        "31",
        "--hooks",
        "fentry",
    ];
    let watching = Watching::start(&[&files[..], &report].concat());
    let mut early = Watching::start(&["-p", "31", "--hooks", "kprobe", "--early"]);
    let delay = ReplyDelay::of(1_000_000);
    let mut sender = command(&["--nlmsg-pid", NOBODY, TEXT])
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    early.read_until("the request", |line| line["text"] == TEXT);
    assert_eq!(
        sender.try_wait().expect("it can be asked"),
        None,
        "it is in the callback"
    );
    let status = sender.wait().expect("ends");
    assert!(status.signal().is_some(), "it died: {status}");
    drop(delay);
    check(&early.stop());
    let lines = watching.stop();
    check(&lines);

    let replayed = greet_user(&["replay", "/tmp/died.greet", "--format", "json"]);
    assert_eq!(json_lines(&stdout_of(&replayed, 0)), lines);
    let ladder = stdout_of(&greet_user(&["replay", "/tmp/died.greet"]), 0);
    assert!(ladder.contains("the task died in the callback"), "{ladder}");
    assert!(
        ladder.contains("1 request (1 died in the kernel)"),
        "{ladder}"
    );
    let line = stdout_of(&greet_user(&["replay", "/tmp/died.greet", "--oneline"]), 0);
    assert!(line.contains("the task died in the callback"), "{line}");
    let report = fs::read_to_string("/tmp/died.html").expect("a report");
    assert!(report.contains("died"), "the status");
    let capture = fs::read("/tmp/died.pcapng").expect("a capture");
    let capture = String::from_utf8_lossy(&capture);
    assert!(
        capture.contains("died; the task died in the callback"),
        "its comment"
    );
    fs::metadata("/sys/module/NetlinkGreetingsLKM").expect("the kernel survived");
}

/// The machine crashes in the middle of this test: xtask checks what was written before that.
#[test]
fn a_request_is_reported_before_it_panics_the_kernel() {
    require_vm();
    // Leaves time between the message's crossing and the crash to write it.
    let _delay = ReplyDelay::of(1_000_000);
    // Its output is the test's output.
    let mut watching = command(&["watch", "-p", "31", "--format", "json", "--early"])
        .spawn()
        .expect("starts");
    let is_attached = || {
        let hooks = fs::read_to_string("/sys/kernel/debug/kprobes/list").unwrap_or_default();
        hooks.contains(CALLBACK)
    };
    until("it is attached", is_attached);
    let sent = Command::new("greet-user")
        .args(["--nlmsg-pid", NOBODY, "the last words of this machine"])
        .output();
    signal(watching.id(), rustix::process::Signal::INT);
    let ended = watching.wait();
    panic!("the kernel survived: {sent:?}, {ended:?}");
}
