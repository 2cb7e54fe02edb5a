// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who may do what, and what is said to those who may not.

use std::{os::unix::process::CommandExt as _, process::Command};

use crate::support::{command, greet_user, sentence_of, stdout_of};

const NOBODY: u32 = 65_534;

fn as_nobody(arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn greeting_needs_no_privileges() {
    let output = as_nobody(&["-c", "2", "-i", "0"]).output().expect("starts");
    let text = stdout_of(&output, 0);
    assert!(text.contains("2 sent, 2 answered"), "{text}");
}

#[test]
fn tracing_says_which_capability_is_missing() {
    let output = as_nobody(&["--trace"]).output().expect("starts");
    assert!(output.stdout.is_empty());
    let sentence = sentence_of(&output, 2);
    assert!(sentence.contains("CAP_BPF and CAP_PERFMON"), "{sentence}");
    assert!(sentence.contains("`sudo greet-user --trace`"), "{sentence}");
}

#[test]
fn an_unknown_callback_is_named() {
    let output = greet_user(&["--trace", "--callback", "no_such_function"]);
    assert!(output.stdout.is_empty());
    let sentence = sentence_of(&output, 2);
    assert!(
        sentence.contains("no function `no_such_function`"),
        "{sentence}"
    );
    assert!(sentence.contains("--callback SYMBOL"), "{sentence}");
    assert!(!sentence.contains("did you mean"), "{sentence}");
    let output = greet_user(&["--trace", "--callback", "netlink_rcv_msg_fn"]);
    let sentence = sentence_of(&output, 2);
    assert!(
        sentence.contains("did you mean `netlink_recv_msg_fn`?"),
        "{sentence}"
    );
}

#[test]
fn numbers_that_are_none_are_refused() {
    for arguments in [
        ["-c", "0"],
        ["-c", "x"],
        ["-i", "-1"],
        ["-W", "nan"],
        ["-s", "-5"],
    ] {
        let output = greet_user(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
