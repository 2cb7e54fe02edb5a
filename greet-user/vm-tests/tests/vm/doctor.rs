// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output of `greet-user doctor` in a machine where everything works, and where something does
//! not.

use std::{collections::BTreeSet, os::unix::process::CommandExt as _};

use greet_user::client;
use serde_json::Value;

use crate::{
    detach::Attached,
    module::Unloaded,
    support::{CALLBACK, GREETING, command, greet_user, in_vm, json_lines, open, stdout_of},
};

const NOBODY: u32 = 65_534;

/// The checks, and the conclusion that follows them.
fn checks(text: &str) -> (Vec<Value>, Value) {
    let mut lines = json_lines(text);
    let conclusion = lines.pop().expect("a conclusion");
    assert_eq!(
        (&conclusion["kind"], &conclusion["v"]),
        (&"conclusion".into(), &1.into())
    );
    for line in &lines {
        assert_eq!(
            (&line["kind"], &line["v"]),
            (&"check".into(), &1.into()),
            "{line}"
        );
    }
    (lines, conclusion)
}

fn named<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    let mut found = checks.iter().filter(|check| check["name"] == name);
    let check = found
        .next()
        .unwrap_or_else(|| panic!("no check {name}: {checks:?}"));
    assert!(found.next().is_none(), "{name} is there twice");
    check
}

#[test]
fn everything_is_there_and_nothing_stays_attached() {
    let before = Attached::now();
    let text = stdout_of(&greet_user(&["doctor", "--json"]), 0);
    assert_eq!(Attached::now(), before);
    let (checks, conclusion) = checks(&text);
    for check in &checks {
        assert_eq!(check["verdict"], "ok", "{check}");
    }
    assert_eq!(
        (&conclusion["status"], &conclusion["ok"]),
        (&0.into(), &checks.len().into())
    );
    for stage in ["send", "cross", "queue", "sent", "receive", "delivered"] {
        let found = named(&checks, &format!("hook {stage}"))["found"].as_str();
        let found = found.expect("text");
        for kind in ["fentry", "kprobe"] {
            assert!(found.contains(kind) && !found.contains("no "), "{found}");
        }
    }
    for name in ["hook handle", "callback", "callback symbol"] {
        let found = &named(&checks, name)["found"];
        assert!(found.as_str().expect("text").contains(CALLBACK), "{found}");
    }
}

#[test]
fn for_people_it_is_a_line_each() {
    let text = stdout_of(&greet_user(&["doctor"]), 0);
    let (lines, last) = text.trim_end().split_once("\n\n").expect("a conclusion");
    assert!(lines.lines().all(|line| line.starts_with("ok ")), "{lines}");
    assert!(last.starts_with("tracing works\nok: "), "{last}");
    assert!(
        !text.contains('\u{1b}'),
        "no colour but on a terminal: {text:?}"
    );
}

#[test]
fn the_number_of_unread_answers_is_the_kernels() {
    let (checks, _) = checks(&stdout_of(&greet_user(&["doctor", "--json"]), 0));
    let means = named(&checks, "receive buffer")["means"].as_str();
    let said: usize = means
        .and_then(|means| means.split(' ').next()?.parse().ok())
        .expect("a number");
    in_vm(async move {
        let mut socket = open();
        for _ in 0..said + 10 {
            let payload = b"Hello\0";
            let sent = client::send_netlink_message_to_kernel(&mut socket, payload, 20, GREETING);
            sent.await.expect("sends");
        }
        // The first read after a loss returns the loss itself.
        let overflow = socket.receive().await.expect_err("some were lost");
        assert!(overflow.to_string().contains("ENOBUFS"), "{overflow}");
        for _ in 0..said {
            socket.receive().await.expect("an answer");
        }
        let more = tokio::time::timeout(std::time::Duration::ZERO, socket.receive());
        assert!(more.await.is_err(), "not one more than {said}");
    });
}

#[test]
fn a_module_that_is_not_loaded_is_no_obstacle_to_tracing() {
    let unloaded = Unloaded::new();
    let output = greet_user(&["doctor", "--json"]);
    drop(unloaded);
    let (checks, conclusion) = checks(&stdout_of(&output, 1));
    let with = |verdict: &str| -> BTreeSet<_> {
        let found = checks.iter().filter(|check| check["verdict"] == verdict);
        found
            .map(|check| check["name"].as_str().expect("text"))
            .collect()
    };
    // One cause, one warning.
    assert_eq!(with("warning"), BTreeSet::from(["module"]));
    let expected = ["callback", "callback symbol", "greeting"];
    assert_eq!(with("not_checked"), BTreeSet::from(expected));
    assert!(
        named(&checks, "module")["advice"]
            .as_str()
            .expect("text")
            .contains("insmod")
    );
    // It falls back to another receive callback.
    let found = &named(&checks, "hook handle")["found"];
    assert!(
        found.as_str().expect("text").contains("rtnetlink_rcv"),
        "{found}"
    );
    assert_eq!(conclusion["warnings"], 1);
}

#[test]
fn without_privileges_the_rest_is_checked() {
    let mut command = command(&["doctor", "--json"]);
    let output = command.uid(NOBODY).gid(NOBODY).output().expect("starts");
    let (checks, conclusion) = checks(&stdout_of(&output, 2));
    let verdict = |name| {
        named(&checks, name)["verdict"]
            .as_str()
            .expect("text")
            .to_owned()
    };
    assert_eq!(verdict("capabilities"), "failure");
    for name in ["hooks", "callback"] {
        assert_eq!(verdict(name), "not_checked", "{name}");
    }
    for name in [
        "kernel",
        "BTF",
        "fields",
        "module",
        "greeting",
        "receive buffer",
    ] {
        assert_eq!(verdict(name), "ok", "{name}");
    }
    assert_eq!(conclusion["failures"], 1);
}
