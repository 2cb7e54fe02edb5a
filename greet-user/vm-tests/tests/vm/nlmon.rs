// SPDX-License-Identifier: MIT OR Apache-2.0
//! Nothing is missing: `greet-user watch` shows what the kernel's own tap captures, the same bytes
//! in the same order.
//!
//! Each test has a network namespace of its own, free of other traffic.

use std::{
    io::{BufRead, BufReader, Write as _},
    os::unix::net::UnixStream,
    process::{Command, Stdio},
};

use greet_common::wire::{ALIGN_TO, Header, NLMSG_DONE};
use greet_trace::event::flag_names;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    capture::{Capture, Packet, in_own_namespace, ip, modprobe},
    support::{command, greet_user, json_lines, of_kind, read, stdout_of, until},
    watching::{Watching, messages, nothing_lost, signal},
};

const RTM_NEWLINK: u16 = 16;
const GENL_ID_CTRL: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const NLM_F_REQUEST: u16 = 1;
/// Captures all bytes of each message.
const WHOLE: [&str; 2] = ["--snaplen", "65536"];
/// Enough for a dump with parts that are made inside the reader's `recvmsg()`.
const DEVICES: usize = 100;
const SOCKETS: usize = 300;

/// Watches a command that must succeed, with all bytes of each message.
fn watched(words: &[&str]) -> Vec<Value> {
    let mut all = vec!["watch", "--format", "json"];
    all.extend(WHOLE);
    all.push("--");
    all.extend(words);
    let lines = json_lines(&stdout_of(&greet_user(&all), 0));
    nothing_lost(&lines);
    lines
}

/// The headers of a datagram's messages.
fn headers(bytes: &[u8]) -> Vec<Header> {
    let mut headers = Vec::new();
    let mut rest = bytes;
    while let Ok(header) = Header::parse(rest) {
        let len = (header.len as usize).next_multiple_of(ALIGN_TO);
        rest = rest.get(len..).unwrap_or_default();
        headers.push(header);
    }
    headers
}

/// Everything that distinguishes a datagram, except its payload.
fn outline(protocol: u32, len: usize, headers: &[Value]) -> Value {
    json!({"protocol": protocol, "len": len, "headers": headers})
}

fn outline_of_packet(packet: &Packet) -> Value {
    let headers = headers(&packet.bytes);
    let as_shown = |header: &Header| {
        let flags: Vec<_> = flag_names(packet.protocol, header).collect();
        json!({
            "len": header.len, "type": header.kind, "flags": flags,
            "seq": header.seq, "portid": header.portid,
        })
    };
    let headers: Vec<_> = headers.iter().map(as_shown).collect();
    outline(packet.protocol, packet.bytes.len(), &headers)
}

fn outline_of_message(message: &Value) -> Value {
    let mut headers = message["headers"].as_array().expect("a list").clone();
    for header in &mut headers {
        header
            .as_object_mut()
            .expect("an object")
            .remove("type_name");
    }
    let protocol = number(&message["protocol"]);
    let protocol = u32::try_from(protocol).expect("less than 32");
    outline(protocol, number(&message["len"]), &headers)
}

fn number(value: &Value) -> usize {
    let number = value.as_u64().and_then(|number| number.try_into().ok());
    number.unwrap_or_else(|| panic!("{value} is no number"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same datagrams, the same bytes, in the same order.
fn compare(shown: &[&Value], tapped: &[&Packet]) {
    let ours: Vec<_> = shown
        .iter()
        .map(|message| outline_of_message(message))
        .collect();
    let kernels: Vec<_> = tapped
        .iter()
        .map(|packet| outline_of_packet(packet))
        .collect();
    let lines = |all: &[Value]| -> String { all.iter().map(|one| format!("{one}\n")).collect() };
    let differ = || {
        format!(
            "watch has:\n{}nlmon has:\n{}",
            lines(&ours),
            lines(&kernels)
        )
    };
    assert!(ours == kernels, "{}", differ());
    let mut bytes = 0;
    for (message, packet) in shown.iter().zip(tapped) {
        assert_eq!(number(&message["captured_len"]), packet.bytes.len());
        // If there is more than a header and its payload, all of it is shown.
        match message["data_hex"].as_str() {
            Some(data) => assert_eq!(data, hex(&packet.bytes)),
            None => assert_eq!(message["payload_hex"], hex(&packet.bytes[16..])),
        }
        bytes += packet.bytes.len();
    }
    println!("{} datagrams, {bytes} bytes, in both", tapped.len());
}

fn all(packets: &[Packet]) -> Vec<&Packet> {
    packets.iter().collect()
}

/// How many messages of this type the datagrams contain.
fn count(packets: &[Packet], kind: u16) -> usize {
    let headers = packets.iter().flat_map(|packet| headers(&packet.bytes));
    headers.filter(|header| header.kind == kind).count()
}

fn replies(exchange: &Value) -> usize {
    exchange["replies"].as_array().expect("a list").len()
}

fn add_devices() {
    modprobe(&["dummy"]);
    let mut batch = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("ip is in the machine");
    let mut lines = batch.stdin.take().expect("is piped");
    for number in 0..DEVICES {
        writeln!(lines, "link add d{number} type dummy").expect("it reads");
    }
    drop(lines);
    assert!(batch.wait().expect("ends").success());
}

#[test]
fn a_dump_of_all_links() {
    in_own_namespace(|| {
        add_devices();
        let tap = Capture::start();
        let lines = watched(&["ip", "link"]);
        let tapped = tap.taken();
        // Including lo and nlmon0.
        assert_eq!(count(&tapped, RTM_NEWLINK), DEVICES + 2);
        assert_eq!(count(&tapped, NLMSG_DONE), 1);
        compare(&messages(&lines), &all(&tapped));
        let exchanges = of_kind(&lines, "exchange");
        let longest = exchanges.iter().max_by_key(|exchange| replies(exchange));
        let longest = longest.expect("a dump");
        assert_eq!(longest["status"], "answered");
        assert!(replies(longest) > 4, "chunks: {longest}");
        let all: usize = exchanges.iter().map(|exchange| 1 + replies(exchange)).sum();
        assert_eq!(all, tapped.len(), "each in one exchange");
    });
}

#[test]
fn sockets_as_ss_asks_for_them() {
    in_own_namespace(|| {
        modprobe(&["unix_diag", "inet_diag", "tcp_diag"]);
        let tcp = std::net::TcpListener::bind("127.0.0.1:0");
        let _tcp = tcp.expect("the address is free, though lo is down");
        let _unix: Vec<_> = (0..SOCKETS)
            .map(|_| UnixStream::pair().expect("two sockets"))
            .collect();
        let tap = Capture::start();
        let lines = watched(&["ss", "--all", "--unix", "--tcp"]);
        let tapped = tap.taken();
        assert!(count(&tapped, NLMSG_DONE) >= 2, "one dump for each family");
        assert!(tapped.iter().all(|packet| packet.protocol == 4));
        // SOCK_DIAG_BY_FAMILY: requests and replies.
        assert!(count(&tapped, 20) > 2 * SOCKETS);
        compare(&messages(&lines), &all(&tapped));
    });
}

#[test]
fn generic_netlink() {
    in_own_namespace(|| {
        let tap = Capture::start();
        let mut lines = watched(&["genl", "ctrl", "list"]);
        assert!(messages(&lines).len() >= 2, "a request and its answer");
        lines.extend(watched(&["genl", "ctrl", "get", "name", "nlctrl"]));
        let tapped = tap.taken();
        assert!(tapped.iter().all(|packet| packet.protocol == 16));
        assert_eq!(count(&tapped, NLMSG_DONE), 1, "one list");
        // Requests, the families in the list, and the requested one.
        assert!(count(&tapped, GENL_ID_CTRL) > 2 + 1 + 1);
        compare(&messages(&lines), &all(&tapped));
    });
}

const ADDRESSES: [&str; 3] = ["10.9.8.7/24", "10.9.8.77/32", "192.168.77.1/30"];

/// The port ID of the listener for IPv4 addresses (RTNLGRP_IPV4_IFADDR, bit 4), once there is one.
///
/// `ip monitor` joins its group, then requests a dump of all links, and discards notifications that
/// arrive before the dump: only once it waits for a message does it get all of them.
fn listener(process: u32) -> u32 {
    let mut port = None;
    until("somebody listens", || {
        let line = |line: &str| {
            let columns: Vec<_> = line.split_ascii_whitespace().collect();
            let groups = u32::from_str_radix(columns[3], 16).ok()?;
            (columns[1] == "0" && groups & 1 << 4 != 0).then(|| columns[2].parse().ok())?
        };
        let sockets = read("/proc/thread-self/net/netlink");
        port = sockets.lines().skip(1).find_map(line);
        port.is_some()
    });
    let recvmsg = format!("{} ", libc::SYS_recvmsg);
    until("it waits for a message", || {
        read(&format!("/proc/{process}/syscall")).starts_with(&recvmsg)
    });
    port.expect("just seen")
}

/// Adds and removes each address; each change is printed before the next one.
fn change_addresses(mut printed: impl BufRead) {
    for address in ADDRESSES {
        for what in ["add", "del"] {
            ip(&["address", what, address, "dev", "d0"]);
            let mut line = String::new();
            while !line.contains(address) {
                line.clear();
                assert_ne!(printed.read_line(&mut line).expect("reads"), 0);
            }
        }
    }
}

#[test]
fn address_changes_with_somebody_who_monitors_them() {
    in_own_namespace(|| {
        modprobe(&["dummy"]);
        ip(&["link", "add", "d0", "type", "dummy"]);
        let tap = Capture::start();
        let mut watching = Watching::start(&WHOLE);
        let mut monitor = Command::new("ip");
        let monitor = monitor.args(["monitor", "address"]).stdout(Stdio::piped());
        let mut monitor = monitor.spawn().expect("ip is in the machine");
        let port = listener(monitor.id());
        change_addresses(BufReader::new(monitor.stdout.take().expect("is piped")));
        signal(monitor.id(), Signal::TERM);
        monitor.wait().expect("ends");
        // Its reply is the last message.
        ip(&["link", "show", "dev", "lo"]);
        let tapped = tap.taken();
        let last = headers(&tapped.last().expect("some").bytes)[0].seq;
        watching.read_until("the last message", |line| {
            line["kind"] == "exchange" && line["seq"] == last
        });
        let lines = watching.stop();
        let shown = messages(&lines);
        compare(&shown, &all(&tapped));
        told_to_the_monitor(&shown, &tapped, port);
        let notes = of_kind(&lines, "exchange");
        let notes = notes.iter().filter(|line| line["status"] == "notification");
        for note in notes.clone() {
            assert_eq!(note["replies"][0]["reader"]["pid"], monitor.id());
        }
        assert_eq!(notes.count(), 2 * ADDRESSES.len());
    });
}

#[test]
fn a_monitor_that_is_watched_alone() {
    in_own_namespace(|| {
        modprobe(&["dummy"]);
        ip(&["link", "add", "d0", "type", "dummy"]);
        let mut words = vec!["watch", "--format", "json"];
        words.extend(WHOLE);
        words.extend(["--", "ip", "monitor", "address"]);
        let tap = Capture::start();
        let mut command = command(&words);
        // The command's output goes to standard error, because ours is JSON.
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut watcher = command.spawn().expect("starts");
        // The command is the watcher's only child.
        let children = format!("/proc/{0}/task/{0}/children", watcher.id());
        until("it is started", || !read(&children).is_empty());
        let child = read(&children).trim().parse().expect("one child");
        let port = listener(child);
        change_addresses(BufReader::new(watcher.stderr.take().expect("is piped")));
        let tapped = tap.taken();
        signal(child, Signal::TERM);
        let output = watcher.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), Some(128 + 15), "the command's");
        let lines = json_lines(&String::from_utf8(output.stdout).expect("text"));
        nothing_lost(&lines);
        let shown = messages(&lines);
        assert!(shown.iter().all(|message| message["pid"] == child));
        told_to_the_monitor(&shown, &tapped, port);
    });
}

/// Each change appears once, with the monitor as its receiver, just as in the tap.
fn told_to_the_monitor(shown: &[&Value], tapped: &[Packet], port: u32) {
    let is_change = |packet: &&Packet| {
        let header = headers(&packet.bytes)[0];
        packet.protocol == 0
            && [RTM_NEWADDR, RTM_DELADDR].contains(&header.kind)
            && header.flags & NLM_F_REQUEST == 0
    };
    let told: Vec<_> = tapped.iter().filter(is_change).collect();
    assert_eq!(told.len(), 2 * ADDRESSES.len());
    // RTNLGRP_IPV4_IFADDR.
    let shown = shown.iter().filter(|message| message["group"] == 5);
    let shown: Vec<_> = shown.copied().collect();
    compare(&shown, &told);
    for message in shown {
        assert_eq!(message["direction"], "kernel_to_user");
        assert_eq!(message["peer_portid"], port);
    }
}
