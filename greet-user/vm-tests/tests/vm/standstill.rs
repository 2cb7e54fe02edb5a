// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stopped watcher loses records, and counts each of them.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use rustix::{
    fd::OwnedFd,
    net::{RecvFlags, SendFlags, netlink::SocketAddrNetlink, recv, sendto},
    process::Signal,
};
use serde_json::Value;

use crate::{
    rejection::bare_socket,
    support::{GREETING, command, read, require_vm, until},
    watching::signal,
};

/// More than fit into the ring buffer of `watch` on one CPU: 8 MiB, at 672 bytes per greeting.
const GREETINGS: u64 = 20_000;
/// A request, its reply queued, and its reply read.
const RECORDS: u64 = 3;
const FILE: &str = "/tmp/standstill.json";

/// Sends all greetings and reads each reply. Closing the socket would produce one more record.
fn greet() -> OwnedFd {
    let socket = bare_socket();
    let kernel = SocketAddrNetlink::new(0, 0);
    let mut message = 24_u32.to_ne_bytes().to_vec();
    message.extend(greet_common::wire::NLMSG_GREET.to_ne_bytes());
    message.extend(GREETING.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(b"go on!!\0");
    let mut answer = [0; 512];
    for _ in 0..GREETINGS {
        sendto(&socket, &message, SendFlags::empty(), &kernel).expect("sends");
        recv(&socket, &mut answer, RecvFlags::empty()).expect("is answered");
    }
    socket
}

fn is_stopped(process: u32) -> bool {
    let status = read(&format!("/proc/{process}/stat"));
    let state = status.rsplit(") ").next();
    state.is_some_and(|state| state.starts_with('T'))
}

/// The lines of the file, counted by kind.
#[derive(Debug, Default)]
struct Lines {
    messages: u64,
    exchanges: u64,
    summary: Value,
}

fn lines() -> Lines {
    let mut found = Lines::default();
    for line in BufReader::new(File::open(FILE).expect("is written")).lines() {
        let line = line.expect("text");
        // Other tests check all fields of such lines; here only their number counts.
        let kind = line
            .strip_prefix("{\"kind\":\"")
            .expect("the kind is first");
        match kind.split('"').next() {
            Some("message") => found.messages += 1,
            Some("exchange") => found.exchanges += 1,
            Some("summary") => found.summary = serde_json::from_str(&line).expect("JSON"),
            kind => assert_eq!(kind, Some("start")),
        }
    }
    found
}

#[test]
fn what_is_lost_while_the_watcher_stands_still_is_counted() {
    require_vm();
    let file = File::create(FILE).expect("there is room");
    let mut watcher = command(&["watch", "-p", "31", "--format", "json"]);
    let mut watcher = watcher.stdout(Stdio::from(file)).spawn().expect("starts");
    until("it is attached", || read(FILE).contains("\n"));
    signal(watcher.id(), Signal::STOP);
    until("it stands still", || is_stopped(watcher.id()));
    let _open = greet();
    signal(watcher.id(), Signal::CONT);
    signal(watcher.id(), Signal::INT);
    assert_eq!(watcher.wait().expect("ends").code(), Some(0));

    let Lines {
        messages,
        exchanges,
        summary,
    } = lines();
    println!("{messages} messages, {exchanges} exchanges, {summary}");
    let count = |name: &str| {
        summary[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: {summary}"))
    };
    let (seen, dropped) = (count("events"), count("events_dropped"));
    assert!(seen > 0 && dropped > 0, "it stood still: {summary}");
    assert_eq!(count("calls_missed"), 0, "nobody else sends: {summary}");
    assert_eq!(seen + dropped, RECORDS * GREETINGS, "{summary}");
    // And each record seen is in the output, or is the read of a message that was not seen.
    let told = count("sent") + count("messages") + count("received") + count("unmatched");
    assert_eq!(told, seen);
    assert_eq!(count("sent") + count("messages"), messages);
    std::fs::remove_file(FILE).expect("is ours");
}
