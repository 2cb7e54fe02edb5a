// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--otlp` live: each exchange of a run arrives at the collector.

use crate::{
    receiver::{Receiver, Reply},
    support::{greet_user, json_lines, of_kind, stdout_of},
};

#[test]
fn greetings_arrive() {
    let receiver = Receiver::start(|_| Reply::Taken);
    let url = receiver.url();
    let arguments = [
        "--trace", "-c", "5", "-i", "0", "--otlp", &url, "--format", "json",
    ];
    arrive(&receiver, &arguments);
}

#[test]
fn a_watched_command_arrives() {
    let receiver = Receiver::start(|_| Reply::Taken);
    let url = receiver.url();
    let arguments = [
        "watch", "--otlp", &url, "--format", "json", "--", "ip", "link",
    ];
    arrive(&receiver, &arguments);
}

fn arrive(receiver: &Receiver, arguments: &[&str]) {
    let output = greet_user(arguments);
    let lines = json_lines(&stdout_of(&output, 0));
    let exchanges = of_kind(&lines, "exchange").len();
    assert!(exchanges > 0);
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let plural = if exchanges == 1 { "" } else { "s" };
    let wanted = format!("otlp: {exchanges} exchange{plural} sent, 0 not sent");
    assert!(said.contains(&wanted), "{said}");
    let received = receiver.received();
    let spans = received.spans();
    let roots = spans.iter().filter(|span| span.parent_span_id.is_empty());
    assert_eq!(roots.count(), exchanges);
}

#[test]
fn nobody_there_changes_nothing_but_the_sentence() {
    let arguments = [
        "--trace",
        "-q",
        "-c",
        "3",
        "-i",
        "0",
        "--otlp",
        "http://127.0.0.1:1",
    ];
    let output = greet_user(&arguments);
    stdout_of(&output, 0);
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let wanted = "otlp: 0 exchanges sent, 3 not sent (queue full 0, refused 0, ended 3)";
    assert!(said.starts_with(wanted), "{said}");
}

#[test]
fn whatever_the_collector_does_each_exchange_is_counted() {
    for reply in [
        Reply::Partly(1),
        Reply::Status(400, None),
        Reply::Status(503, Some("1")),
        Reply::Cut,
        Reply::Never,
    ] {
        let receiver = Receiver::start(move |_| reply);
        let url = receiver.url();
        let arguments = [
            "watch",
            "--summary",
            "--otlp",
            &url,
            "--",
            "greet-user",
            "-q",
            "-c",
            "3",
            "-i",
            "0",
        ];
        let output = greet_user(&arguments);
        stdout_of(&output, 0);
        receiver.request();
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        // How the three are distributed over requests is not known.
        let numbers = said.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
        assert_eq!(numbers[0] + numbers[1], 3, "{reply:?}: {said}");
        let is_refused = matches!(reply, Reply::Partly(_) | Reply::Status(400, _));
        let [refused, ended] = [numbers[3], numbers[4]];
        assert_eq!(
            (refused > 0, ended > 0),
            (is_refused, !is_refused),
            "{reply:?}: {said}"
        );
    }
}
