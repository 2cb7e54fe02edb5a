// SPDX-License-Identifier: MIT OR Apache-2.0
//! What did not arrive: losses and their owners, messages that were read in part, requests that
//! could not be sent.

use std::process;

use rustix::{
    fd::{AsRawFd as _, OwnedFd},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, getsockname,
        netlink::SocketAddrNetlink, recv, sendto, socket_with,
        sockopt::set_socket_recv_buffer_size,
    },
};
use serde_json::Value;

use crate::{
    capture::in_own_namespace,
    support::{greet_user, json_lines, message, of_kind, stdout_of},
    watching::Watching,
};

const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
/// `NLM_F_REQUEST`, `NLM_F_ACK`, `NLM_F_CREATE`.
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const CREATE: u16 = 0x400;
/// `RTMGRP_IPV4_IFADDR`.
const ADDRESSES: u32 = 0x10;
/// A port ID without a socket.
const NOBODY: u32 = 999_999;
/// More requests than a small queue can hold acknowledgements for.
const BATCH: u32 = 200;

/// An rtnetlink socket with a small receive queue, and its port ID.
fn open(groups: u32) -> (OwnedFd, u32) {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None);
    let socket = socket.expect("a netlink socket");
    set_socket_recv_buffer_size(&socket, 8192).expect("is set");
    bind(&socket, &SocketAddrNetlink::new(0, groups)).expect("is bound");
    let address = getsockname(&socket).expect("has an address");
    let address = SocketAddrNetlink::try_from(address).expect("of netlink");
    (socket, address.pid())
}

fn request(kind: u16, flags: u16, seq: u32, body: &[u8]) -> Vec<u8> {
    message(kind, REQUEST | flags, seq, body)
}

/// `RTM_GETLINK` for lo.
fn link(seq: u32) -> Vec<u8> {
    let mut body = [0; 16];
    body[4] = 1;
    request(RTM_GETLINK, 0, seq, &body)
}

/// A request for the address 127.1.0.`number` of lo.
fn address(kind: u16, flags: u16, seq: u32, number: u8) -> Vec<u8> {
    let mut body = vec![2, 32, 0, 254, 1, 0, 0, 0];
    for attribute in [2_u8, 1] {
        body.extend([8, 0, attribute, 0, 127, 1, 0, number]);
    }
    request(kind, flags, seq, &body)
}

fn send(socket: &OwnedFd, message: &[u8], port: u32) -> Result<usize, Errno> {
    let to = SocketAddrNetlink::new(port, 0);
    sendto(socket, message, SendFlags::empty(), &to)
}

/// Reads all queued messages; returns their number.
fn read_all(socket: &OwnedFd) -> u64 {
    let (mut buffer, mut read) = ([0; 8192], 0);
    loop {
        match recv(socket, &mut buffer, RecvFlags::DONTWAIT) {
            Ok(_) => read += 1,
            Err(Errno::NOBUFS) => {}
            Err(Errno::AGAIN) => return read,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Reads replies partially, peeks at them, or does not read them: sequence numbers 1 to 5.
fn reads(socket: &OwnedFd) {
    let mut buffer = [0; 64];
    for (seq, flags) in [(1, RecvFlags::empty()), (2, RecvFlags::TRUNC)] {
        send(socket, &link(seq), 0).expect("sends");
        recv(socket, &mut buffer, flags).expect("reads a part");
    }
    send(socket, &link(3), 0).expect("sends");
    recv(socket, &mut buffer, RecvFlags::PEEK).expect("looks at it");
    let (read, _) = recv(socket, &mut [0; 8192], RecvFlags::empty()).expect("reads");
    assert!(read > 64);
    send(socket, &link(4), 0).expect("sends");
    let nowhere = 8 as *mut libc::c_void;
    #[expect(
        unsafe_code,
        reason = "there is no safe way to hand over a wrong address"
    )]
    // SAFETY: the kernel rejects the address and writes nothing.
    let result = unsafe { libc::recv(socket.as_raw_fd(), nowhere, 4096, 0) };
    assert_eq!(
        (
            result,
            Errno::from_io_error(&std::io::Error::last_os_error())
        ),
        (-1, Some(Errno::FAULT))
    );
    send(socket, &link(5), 0).expect("sends");
    recv(socket, &mut [0_u8; 0], RecvFlags::empty()).expect("reads nothing of it");
}

/// Requests that `sendmsg()` rejects.
fn unsendable(socket: &OwnedFd) {
    assert_eq!(send(socket, &[], 0), Err(Errno::NODATA));
    assert_eq!(send(socket, &vec![0; 400_000], 0), Err(Errno::MSGSIZE));
    assert_eq!(send(socket, &link(6), NOBODY), Err(Errno::CONNREFUSED));
}

/// Sends one datagram with many requests, whose replies do not all fit. Returns the number lost.
fn batch(socket: &OwnedFd) -> u64 {
    let requests = (0..BATCH).flat_map(|number| address(RTM_DELADDR, ACK, 100 + number, 250));
    send(socket, &requests.collect::<Vec<_>>(), 0).expect("sends");
    u64::from(BATCH) - read_all(socket)
}

/// Adds and removes addresses without requesting acknowledgements.
fn addresses(socket: &OwnedFd) {
    for number in 0..80 {
        for (kind, flags) in [(RTM_NEWADDR, CREATE), (RTM_DELADDR, 0)] {
            send(socket, &address(kind, flags, 7, number), 0).expect("sends");
        }
    }
}

fn exchange<'a>(lines: &'a [Value], name: &str, value: u32) -> &'a Value {
    let all = of_kind(lines, "exchange");
    let mut found = all.into_iter().filter(|line| line[name] == value);
    found
        .next()
        .unwrap_or_else(|| panic!("no exchange with {name} {value}"))
}

/// Checks how much of each reply was read; `knows_end`: whether the hooks see a read call return.
fn check_reads(lines: &[Value], knows_end: bool) {
    for (seq, copied) in [(1, 64), (2, 64), (5, 0)] {
        let line = exchange(lines, "seq", seq);
        let reader = &line["replies"][0]["reader"];
        assert_eq!(
            (&reader["copied"], &reader["truncated"]),
            (&copied.into(), &true.into()),
            "{line}"
        );
        assert_eq!(line["truncated"], 1, "{line}");
    }
    let whole = exchange(lines, "seq", 3);
    let reply = &whole["replies"][0];
    assert_eq!(
        (&reply["peeks"], &reply["reader"]["copied"]),
        (&1.into(), &reply["len"])
    );
    assert!(reply["reader"].get("truncated").is_none(), "{whole}");
    if knows_end {
        let spoilt = exchange(lines, "seq", 4);
        assert_eq!(
            (&spoilt["lost"], &spoilt["replies"][0]["reader"]["result"]),
            (&1.into(), &(-14).into())
        );
    }
    assert_eq!(lines.last().expect("a summary")["truncated"], 3);
}

/// All of the above, watched with this kind of hook.
fn watched_by(hooks: &str) {
    in_own_namespace(|| {
        let mut watching = Watching::start(&["-p", "route", "--hooks", hooks]);
        let (asker, port) = open(0);
        reads(&asker);
        unsendable(&asker);
        let lost = batch(&asker);
        let (slow, slow_port) = open(ADDRESSES);
        let (other, other_port) = open(0);
        addresses(&other);
        let notified = read_all(&slow);
        // The last message: once it is reported, so is everything before it.
        send(&asker, &link(8), 0).expect("sends");
        assert_eq!(read_all(&asker), 1);
        watching.read_until("all is over", |line| {
            line["kind"] == "exchange" && line["seq"] == 8
        });
        let lines = watching.stop();
        check_reads(&lines, true);

        for (error, len, to, direction) in [
            (-61, 0, 0, "user_to_kernel"),
            (-90, 400_000, 0, "user_to_kernel"),
            (-111, 32, NOBODY, "user_to_user"),
        ] {
            let messages = of_kind(&lines, "message");
            let mut failed = messages.iter().filter(|line| line["error"] == error);
            let line = failed.next().unwrap_or_else(|| panic!("no {error}"));
            assert_eq!(
                (&line["portid"], &line["peer_portid"]),
                (&port.into(), &to.into()),
                "{line}"
            );
            assert_eq!(
                (&line["len"], &line["direction"]),
                (&len.into(), &direction.into()),
                "{line}"
            );
            assert!(
                line["netns"].as_u64().is_some_and(|netns| netns > 0),
                "{line}"
            );
        }
        assert_eq!(exchange(&lines, "seq", 100)["lost"], lost, "one loss each");
        // The sender of the addresses lost nothing, although another socket lost its notifications.
        let others: Vec<_> = of_kind(&lines, "exchange")
            .into_iter()
            .filter(|line| line["portid"] == other_port)
            .collect();
        assert_eq!(others.len(), 160);
        assert!(
            others
                .iter()
                .all(|line| line["status"] == "unanswered" && line.get("lost").is_none())
        );

        let losses = of_kind(&lines, "loss");
        let of = |port: u32| losses.iter().filter(move |loss| loss["portid"] == port);
        assert_eq!(of(port).count() as u64, lost);
        assert_eq!(of(slow_port).count() as u64, 160 - notified);
        assert!(
            losses
                .iter()
                .all(|loss| loss["owner"]["pid"] == process::id()),
            "{losses:?}"
        );
        let summary = lines.last().expect("a summary");
        // Plus the reply that its reader could not take.
        assert_eq!(summary["lost"], lost + 160 - notified + 1, "{summary}");
        assert_eq!(
            (&summary["unsent"], &summary["failed"]),
            (&3.into(), &1.into()),
            "{summary}"
        );
    });
}

#[test]
fn what_did_not_arrive_as_fentry_shows_it() {
    watched_by("fentry");
}

#[test]
fn what_did_not_arrive_as_kprobes_show_it() {
    watched_by("kprobe");
}

#[test]
fn tracepoints_claim_nothing_that_they_cannot_know() {
    in_own_namespace(|| {
        let watching = Watching::start(&["-p", "route", "--hooks", "tracepoint"]);
        let (asker, _) = open(0);
        reads(&asker);
        unsendable(&asker);
        batch(&asker);
        let lines = watching.stop();
        let hooks = lines[0]["hooks"].to_string();
        check_reads(&lines, hooks.contains("sock_recv_length"));
        let summary = lines.last().expect("a summary");
        for name in ["lost", "overruns", "failed"] {
            assert!(summary.get(name).is_none(), "{summary}");
        }
        assert_eq!(
            summary.get("requests").is_some(),
            hooks.contains("sock_send_length")
        );
        for line in of_kind(&lines, "message")
            .iter()
            .filter(|line| line["direction"] == "user_to_kernel")
        {
            // When a call fails, its return does not reveal the length of the message.
            assert_eq!(
                line.get("len").is_some(),
                line.get("error").is_none(),
                "{line}"
            );
        }
    });
}

#[test]
fn where_queues_are_not_watched_nothing_is_lost_or_unanswered() {
    let watch = [
        "watch", "--format", "json", "--stages", "handle", "-p", "31",
    ];
    let output = greet_user(&[&watch[..], &["--", "greet-user", "-q", "-c", "3"]].concat());
    let lines = json_lines(&stdout_of(&output, 0));
    let exchanges = of_kind(&lines, "exchange");
    assert_eq!(exchanges.len(), 3);
    assert!(
        exchanges.iter().all(|line| line["status"] == "sent"),
        "{exchanges:?}"
    );
    let summary = lines.last().expect("a summary");
    assert_eq!(
        (&summary["lost"], summary.get("received")),
        (&0.into(), None),
        "{summary}"
    );
}
