// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each reply belongs to its request: parts of dumps that are made in other calls, several requests
//! in one datagram, replies by kernel threads, messages to both a port and a group.

use std::{fs, io::IoSlice};

use greet_common::wire::{NLMSG_DONE, NLMSG_ERROR};
use rustix::{
    fd::OwnedFd,
    io::writev,
    net::{RecvFlags, SendFlags, netlink::SocketAddrNetlink, recv, sendto},
};
use serde_json::{Value, json};

use crate::{
    capture::in_own_namespace,
    receivers::listener,
    support::{GREETING, message, of_kind},
    watching::{Watching, messages},
};

const ROUTE: u32 = 0;
const USERSOCK: u32 = 2;
const AUDIT: u32 = 9;
const UEVENT: u32 = 15;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
/// NLM_F_REQUEST and NLM_F_DUMP.
const DUMP: u16 = 0x301;
/// NLM_F_REQUEST and NLM_F_CREATE.
const CREATE: u16 = 0x401;
const AUDIT_GET: u16 = 1000;
const AUDIT_GET_FEATURE: u16 = 1019;
const BUSY: i32 = -16;

/// All links.
fn links(seq: u32) -> Vec<u8> {
    message(RTM_GETLINK, DUMP, seq, &[0; 16])
}

/// All IPv4 addresses.
fn addresses(seq: u32) -> Vec<u8> {
    message(RTM_GETADDR, DUMP, seq, &[2, 0, 0, 0, 0, 0, 0, 0])
}

/// 127.1.0.`number`/32 on lo; the length of its attribute is correct if `is_right`.
fn new_address(flags: u16, seq: u32, number: u8, is_right: bool) -> Vec<u8> {
    let mut payload = vec![2, 32, 0, 254, 1, 0, 0, 0];
    let len = if is_right { 8 } else { 5 };
    payload.extend([len, 0, 2, 0, 127, 1, 0, number]);
    message(RTM_NEWADDR, flags, seq, &payload)
}

fn send(socket: &OwnedFd, message: &[u8]) {
    let kernel = SocketAddrNetlink::new(0, 0);
    let sent = sendto(socket, message, SendFlags::empty(), &kernel);
    assert_eq!(sent.expect("sends"), message.len());
}

/// One message of a datagram: type, sequence number, the number after its header.
type Part = (u16, u32, i32);

/// Reads one datagram into a page and splits it into messages.
fn read(socket: &OwnedFd) -> Vec<Part> {
    let mut bytes = vec![0; 4096];
    let (len, _) = recv(socket, &mut *bytes, RecvFlags::empty()).expect("reads");
    let mut rest = &bytes[..len];
    let mut parts = Vec::new();
    while let Some(header) = rest.first_chunk::<16>() {
        let word = |at: usize| {
            let bytes = rest.get(at..at + 4).map(<[u8; 4]>::try_from);
            i32::from_ne_bytes(bytes.and_then(Result::ok).unwrap_or_default())
        };
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        parts.push((kind, word(8).cast_unsigned(), word(16)));
        let len = usize::try_from(word(0)).expect("a length");
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    parts
}

/// Reads until each of these requests is complete; returns the request that each datagram replies
/// to, and its error.
fn read_all(socket: &OwnedFd, requests: &[u32]) -> Vec<(u32, i32)> {
    let mut open = requests.to_vec();
    let mut read_so_far = Vec::new();
    while !open.is_empty() {
        let parts = read(socket);
        let ends = |part: &&Part| matches!(part.0, NLMSG_DONE | NLMSG_ERROR);
        parts
            .iter()
            .filter(ends)
            .for_each(|end| open.retain(|seq| *seq != end.1));
        let error = if parts[0].0 == NLMSG_ERROR {
            parts[0].2
        } else {
            0
        };
        read_so_far.push((parts[0].1, error));
    }
    read_so_far
}

fn exchange(lines: &[Value], seq: u32) -> &Value {
    let all = of_kind(lines, "exchange");
    let mut found = all.into_iter().filter(|line| line["seq"] == seq);
    let first = found.next().unwrap_or_else(|| panic!("no exchange {seq}"));
    assert_eq!(found.next(), None, "one exchange {seq}");
    first
}

/// The request that each datagram of an exchange replies to, and its error.
fn answers(exchange: &Value) -> Vec<(u32, i32)> {
    let replies = exchange["replies"].as_array().expect("a list");
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let both = replies.iter().map(|reply| {
        let seq = u32::try_from(number(&reply["seq"])).expect("a number");
        let error = i32::try_from(number(&reply["error"])).expect("an errno");
        (seq, error)
    });
    both.collect()
}

/// What was read: by the dumps, and between them.
struct Seen {
    busy: Vec<(u32, i32)>,
    several: Vec<(u32, i32)>,
}

fn dumps() -> Seen {
    in_own_namespace(|| {
        let (socket, other) = (listener(ROUTE, 0).0, listener(ROUTE, 0).0);
        let all = (1..=200).flat_map(|number| new_address(CREATE, 9, number, true));
        send(&other, &all.collect::<Vec<_>>());
        send(&socket, &addresses(21));
        let mut busy = vec![(read(&socket)[0].1, 0)];
        send(&socket, &addresses(22)); // too early
        busy.extend(read_all(&socket, &[21, 22]));
        // Sent in a single writev(): the last one comes too early, unless the first one ends at
        // once.
        let asked = [
            links(31),
            new_address(GREETING, 32, 1, false),
            addresses(33),
        ];
        let pieces: Vec<_> = asked.iter().map(|piece| IoSlice::new(piece)).collect();
        writev(&socket, &pieces).expect("sends");
        let several = read_all(&socket, &[31, 32, 33]);
        Seen { busy, several }
    })
}

#[test]
fn parts_reasons_and_late_answers_belong_to_their_requests() {
    let watching = Watching::start(&[
        "-p", "route", "-p", "audit", "-p", "usersock", "-p", "uevent",
    ]);
    let Seen { busy, several } = dumps();
    let (audit, _) = listener(AUDIT, 0);
    for (kind, seq) in [(AUDIT_GET, 901), (AUDIT_GET_FEATURE, 902)] {
        send(&audit, &message(kind, 1, seq, &[]));
        assert_eq!(read(&audit)[0].1, seq);
    }
    let (sender, (receiver, port)) = (listener(USERSOCK, 0).0, listener(USERSOCK, 0));
    let both = SocketAddrNetlink::new(port, 1);
    sendto(
        &sender,
        &message(100, 0, 77, b"both"),
        SendFlags::empty(),
        &both,
    )
    .expect("sends");
    assert_eq!(read(&receiver)[0].1, 77);
    let (uevents, _) = listener(UEVENT, 1);
    fs::write("/sys/class/mem/null/uevent", "change").expect("root may");
    recv(&uevents, &mut [0; 4096], RecvFlags::empty()).expect("reads");
    let unread = listener(ROUTE, 0).0;
    send(&unread, &links(55));
    drop(unread);
    let lines = watching.stop();

    let first: Vec<_> = busy.iter().filter(|(seq, _)| *seq == 21).copied().collect();
    assert!(first.len() > 3, "{busy:?}");
    let dump = exchange(&lines, 21);
    assert_eq!(
        (answers(dump), &dump["status"]),
        (first, &json!("answered"))
    );
    let refused = exchange(&lines, 22);
    assert_eq!(answers(refused), [(22, BUSY)]);
    assert_eq!(refused["status"], "refused");

    let together = exchange(&lines, 31);
    assert_eq!(
        (answers(together), &together["status"]),
        (several, &json!("refused"))
    );
    for reply in together["replies"].as_array().expect("a list") {
        let seq = reply["seq"].as_u64().expect("a number");
        assert_eq!(reply["request"], seq - 31);
        assert_eq!(reply["extack"].is_array(), seq == 32, "{reply}");
    }
    assert_eq!(together["extack_seq"], json!([32]));
    let reasons = of_kind(&lines, "extack");
    assert_eq!(
        reasons.iter().map(|line| &line["seq"]).collect::<Vec<_>>(),
        [32]
    );

    for seq in [901, 902] {
        let late = exchange(&lines, seq);
        assert_eq!(
            (answers(late), &late["status"]),
            (vec![(seq, 0)], &json!("answered"))
        );
        let by = late["replies"][0]["queued_by"]["comm"].as_str();
        assert!(
            by.is_some_and(|name| name.starts_with("audit_send")),
            "{late}"
        );
    }
    assert_eq!(exchange(&lines, 77)["status"], "delivered");
    let left = exchange(&lines, 55);
    assert_eq!(left["status"], "unread");
    let reply = &left["replies"][0];
    assert_eq!(reply["left_with_socket"], true);
    assert!(
        reply["closed"].as_u64() > reply["stages"]["queue"].as_u64(),
        "{left}"
    );

    let told = messages(&lines).into_iter();
    let uevents: Vec<_> = told.filter(|line| line["protocol"] == UEVENT).collect();
    assert!(!uevents.is_empty());
    for line in uevents {
        let text = line["text"].as_str().unwrap_or_default();
        assert!(
            text.starts_with("change@/devices/virtual/mem/null ACTION=change"),
            "{line}"
        );
        assert_eq!(line["headers"], json!([]));
    }
    let unasked = of_kind(&lines, "exchange").into_iter();
    let mut unasked = unasked.filter(|line| line["status"] == "notification");
    assert!(unasked.all(|line| line["protocol"] == UEVENT));
}
