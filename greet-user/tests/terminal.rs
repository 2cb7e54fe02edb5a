// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whatever a recording contains, its output has no effect on a terminal: no escape sequence, no
//! bell, no line that is not ours.

#[path = "support/entries.rs"]
mod entries;
#[path = "support/package.rs"]
mod package;
#[path = "support/program.rs"]
mod program;

use std::{io::Write as _, process::Command};

use greet_common::event::{COMM_SIZE, EXTACK_SIZE};
use greet_trace::{
    event::{Event, is_printable},
    greeting::Outcome,
    recording::Entry,
    run::{Run, System},
};
use proptest::prelude::*;
use tempfile::NamedTempFile;

const RECORDINGS: [&str; 2] = ["v1-greetings.greet", "v1-watch.greet"];
const VIEWS: &[&[&str]] = &[
    &[],
    &["-v"],
    &["--oneline"],
    &["--unicode"],
    &["-x"],
    &["--summary"],
    &["--format", "json"],
    &["--format", "json", "--summary"],
];
/// Every untrusted text starts and ends with this, which proves that it arrived.
const MARK: &str = "zq";

/// Replaces every untrusted text.
fn rewrite(entry: &mut Entry, text: &str) {
    match entry {
        Entry::Opening(opening) => match &mut opening.run {
            Run::Watch(system) => rewrite_system(system, text),
            Run::Greetings(start) => {
                rewrite_system(&mut start.system, text);
                start.text = text.to_owned();
            }
        },
        Entry::Greeting { greeted, .. } => {
            greeted.rejected = vec![text.to_owned()];
            match &mut greeted.outcome {
                Outcome::Answered(answer) if greeted.number != 1 => {
                    answer.payload = text.as_bytes().to_vec();
                }
                outcome => *outcome = Outcome::Lost(text.to_owned()),
            }
        }
        Entry::Event(event) => rewrite_event(event, text.as_bytes()),
        Entry::Dropped(_) | Entry::Closing(_) => {}
    }
}

fn rewrite_system(system: &mut System, text: &str) {
    system.tool = text.to_owned();
    system.kernel = text.to_owned();
    system.attached.hooks = vec![format!("fentry:{text}")];
    system.attached.missing = vec![text.to_owned()];
    for callback in &mut system.attached.callbacks {
        callback.symbol = text.to_owned();
    }
}

fn rewrite_event(event: &mut Event, text: &[u8]) {
    let head = match event {
        Event::Request(request) => {
            put(&mut request.datagram.data, text);
            &mut request.head
        }
        Event::Message(message) => {
            put(&mut message.datagram.data, text);
            &mut message.head
        }
        Event::Delivery(read) => &mut read.head,
        Event::Loss(loss) => &mut loss.head,
        Event::Extack(extack) => {
            extack.text = [0; EXTACK_SIZE];
            let len = text.len().min(EXTACK_SIZE - 1);
            extack.text[..len].copy_from_slice(&text[..len]);
            &mut extack.head
        }
        Event::Close(close) => &mut close.head,
    };
    head.comm = [0; COMM_SIZE];
    let len = text.len().min(COMM_SIZE - 1);
    head.comm[..len].copy_from_slice(&text[..len]);
}

/// Puts the text after the header.
fn put(data: &mut [u8], text: &[u8]) {
    if let Some(payload) = data.get_mut(16..) {
        payload.fill(0);
        let len = text.len().min(payload.len());
        payload[..len].copy_from_slice(&text[..len]);
    }
}

fn recorded(name: &str, text: &str) -> NamedTempFile {
    let mut entries = entries::entries(&package::recording(name));
    entries.iter_mut().for_each(|entry| rewrite(entry, text));
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(&entries::recorded(entries)).expect("writes");
    file
}

/// C0 and C1 control characters, bidirectional controls, line separators, and letters.
fn hostile() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        3 => prop::char::range('\0', '\u{1f}'),
        2 => prop::char::range('\u{7f}', '\u{9f}'),
        2 => prop::sample::select(vec!['\u{200e}', '\u{202e}', '\u{2028}', '\u{2066}', '\u{feff}', '\u{e0001}']),
        2 => prop::char::range(' ', '~'),
        1 => any::<char>(),
    ];
    let sequence = prop::sample::select(vec![
        "\x1b[2J".to_owned(),
        "\x1b]0;title\x07".to_owned(),
        "\u{9b}31m".to_owned(),
        "\r\n1 sent, 1 answered".to_owned(),
        "\x1bP$q\x1b\\".to_owned(),
    ]);
    let piece = prop_oneof![character.prop_map(String::from), sequence];
    prop::collection::vec(piece, 0..12)
        .prop_map(|pieces| format!("{MARK}{}{MARK}", pieces.concat()))
}

fn obeys_nothing(bytes: &[u8], what: &str) -> Result<(), TestCaseError> {
    let text =
        str::from_utf8(bytes).map_err(|error| TestCaseError::fail(format!("{what}: {error}")))?;
    for line in text.split('\n') {
        // After a letter: a line may start with a combining mark.
        prop_assert!(is_printable(&format!("a{line}")), "{}: {:?}", what, line);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_view_lets_through_what_a_terminal_obeys(text in hostile()) {
        for name in RECORDINGS {
            let file = recorded(name, &text);
            for arguments in VIEWS {
                let mut replay = Command::new(program::program());
                replay.arg("replay").arg(file.path()).args(*arguments);
                let output = replay.env("COLUMNS", "200").output().expect("it starts");
                let what = format!("{name} {arguments:?}");
                prop_assert!(output.status.success(), "{}: {:?}", what, output);
                let is_there = output.stdout.windows(MARK.len()).any(|two| two == MARK.as_bytes());
                prop_assert!(is_there, "{}: {}", what, String::from_utf8_lossy(&output.stdout));
                obeys_nothing(&output.stdout, &what)?;
                obeys_nothing(&output.stderr, &what)?;
                if arguments.contains(&"json") {
                    for line in str::from_utf8(&output.stdout).expect("it was looked at").lines() {
                        let line: serde_json::Value = serde_json::from_str(line).expect(line);
                        if let Some(kernel) = line.get("kernel") {
                            prop_assert_eq!(kernel, &*text, "the same text, written otherwise");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn an_error_quotes_a_name_and_does_not_obey_it() {
    let name = "no\x1b[2J\n\u{202e}such\u{9b}file";
    for arguments in [&["replay", name][..], &["--record", "/dev/null/\x07x"]] {
        let output = Command::new(program::program()).args(arguments).output();
        let output = output.expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        let line = said.strip_suffix('\n').expect("a line");
        assert!(is_printable(line), "{line:?}");
    }
}
