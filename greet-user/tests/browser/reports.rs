// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports to inspect, made by the tool from recordings, each with the JSON lines of the same run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use greet_trace::{
    event::{Event, Message, Request},
    recording::Entry,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::entries;

pub const RECORDINGS: [&str; 2] = ["v1-greetings.greet", "v1-watch.greet"];

/// A report and the JSON lines of the same run.
pub struct Made {
    pub report: PathBuf,
    pub lines: Vec<Value>,
    _folder: TempDir,
}

pub fn committed(name: &str) -> PathBuf {
    crate::package::recording(name)
}

/// Converts a recording with the tool.
pub fn made(recording: &Path) -> Made {
    let folder = TempDir::new().expect("a folder");
    let report = folder.path().join("report.html");
    let mut command = Command::new(crate::program::program());
    command
        .arg("replay")
        .arg(recording)
        .arg("--report")
        .arg(&report);
    let output = command
        .args(["--format", "json"])
        .output()
        .expect("it starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Made {
        report,
        lines: lines(&String::from_utf8(output.stdout).expect("UTF-8")),
        _folder: folder,
    }
}

pub fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

impl Made {
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.lines.iter().filter(move |line| line["kind"] == kind)
    }
}

/// The contents of a committed recording.
pub fn entries(name: &str) -> Vec<Entry> {
    entries::entries(&committed(name))
}

/// Records these entries.
pub fn recorded(folder: &TempDir, entries: impl IntoIterator<Item = Entry>) -> PathBuf {
    let path = folder.path().join("run.greet");
    fs::write(&path, entries::recorded(entries)).expect("writes");
    path
}

/// The recorded watch, repeated with ever later times.
pub fn many(times: u64) -> impl Iterator<Item = Entry> {
    let mut entries = entries("v1-watch.greet");
    let first = entries.remove(0);
    let last = entries.pop().expect("a last one");
    let again = (0..times).flat_map(move |time| {
        let entries = entries.clone();
        entries.into_iter().map(move |entry| match entry {
            Entry::Event(event) => Entry::Event(later(event, time)),
            other => other,
        })
    });
    std::iter::once(first).chain(again).chain([last])
}

/// The same event some seconds later, as part of another call.
fn later(mut event: Event, time: u64) -> Event {
    let add = |ns: &mut u64| {
        if *ns != 0 {
            *ns += time * 2_000_000_000 + time * 7;
        }
    };
    let head = match &mut event {
        Event::Request(Request {
            head,
            send_ns,
            cross_ns,
            handle_ns,
            handled_ns,
            sent_ns,
            ..
        }) => {
            [send_ns, cross_ns, handle_ns, handled_ns, sent_ns]
                .into_iter()
                .for_each(add);
            head
        }
        Event::Message(Message {
            head,
            reply_ns,
            queue_ns,
            ..
        }) => {
            [reply_ns, queue_ns].into_iter().for_each(add);
            head
        }
        Event::Delivery(read) => {
            [&mut read.receive_ns, &mut read.delivered_ns]
                .into_iter()
                .for_each(add);
            &mut read.head
        }
        Event::Loss(loss) => {
            add(&mut loss.time_ns);
            &mut loss.head
        }
        Event::Extack(extack) => {
            add(&mut extack.time_ns);
            &mut extack.head
        }
        Event::Close(close) => {
            add(&mut close.time_ns);
            &mut close.head
        }
    };
    if head.call != 0 {
        head.call += (time * 64) << 32;
    }
    event
}
