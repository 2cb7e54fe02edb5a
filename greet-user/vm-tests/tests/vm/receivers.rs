// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several receivers of one message, and messages that the kernel merely forwards.

use std::{
    collections::BTreeSet,
    io::Write as _,
    process::{Command, Stdio},
};

use rustix::{
    fd::OwnedFd,
    net::{
        AddressFamily, Protocol, RawProtocol, RecvFlags, SocketFlags, SocketType, bind, connect,
        getsockname, netlink::SocketAddrNetlink, recv, socket_with,
    },
};
use serde_json::Value;

use crate::{
    capture::{in_own_namespace, ip},
    support::of_kind,
    watching::Watching,
};

const NETLINK_USERSOCK: u32 = 2;
/// RTNLGRP_LINK as a bit mask, for bind().
const LINKS: u32 = 1;
const TEXT: &str = "from one to the other";
const SEQ: u32 = 77;

/// A socket bound to multicast groups, and its port ID.
pub fn listener(protocol: u32, groups: u32) -> (OwnedFd, u32) {
    // No protocol means protocol 0: NETLINK_ROUTE.
    let protocol = RawProtocol::new(protocol).map(Protocol::from_raw);
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol);
    let socket = socket.expect("a netlink socket");
    bind(&socket, &SocketAddrNetlink::new(0, groups)).expect("is bound");
    let address = getsockname(&socket).expect("has an address");
    let port = SocketAddrNetlink::try_from(address)
        .expect("of netlink")
        .pid();
    (socket, port)
}

#[test]
fn a_multicast_message_is_shown_once_for_each_receiver() {
    in_own_namespace(|| {
        let sockets: Vec<_> = (0..3).map(|_| listener(0, LINKS)).collect();
        let ports: BTreeSet<_> = sockets.iter().map(|(_, port)| *port).collect();
        assert_eq!(ports.len(), 3);
        let mut watching = Watching::start(&["-p", "route"]);
        ip(&["link", "set", "lo", "mtu", "60000"]);
        let mut buffer = [0; 8192];
        let mut lengths = Vec::new();
        for (socket, _) in &sockets {
            lengths.push(
                recv(socket, &mut buffer, RecvFlags::empty())
                    .expect("was told")
                    .0,
            );
        }
        for left in (0..3).rev() {
            watching.read_until("all have read", |line| line["status"] == "notification");
            println!("{left} receivers left");
        }
        let lines = watching.stop();
        let told: Vec<_> = of_kind(&lines, "message");
        let told: Vec<_> = told.iter().filter(|line| line["group"] == 1).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        let receivers = told.iter().map(|line| port(&line["peer_portid"]));
        assert_eq!(receivers.collect::<BTreeSet<_>>(), ports);
        for (message, len) in told.iter().zip(&lengths) {
            assert_eq!(message["direction"], "kernel_to_user");
            assert_eq!(
                (&message["portid"], &message["len"]),
                (&0.into(), &(*len).into())
            );
            assert_eq!(message["payload_hex"], told[0]["payload_hex"]);
            assert_eq!(message["comm"], "ip", "whose change it was");
        }
        let readings = of_kind(&lines, "exchange");
        let readings = readings
            .iter()
            .filter(|line| line["status"] == "notification");
        let readers: BTreeSet<_> = readings
            .map(|line| {
                let reader = &line["replies"][0]["reader"];
                assert_eq!(reader["pid"], std::process::id());
                port(&reader["portid"])
            })
            .collect();
        assert_eq!(readers, ports, "read by each of them");
    });
}

fn port(value: &Value) -> u32 {
    let port = value.as_u64().and_then(|port| port.try_into().ok());
    port.unwrap_or_else(|| panic!("{value} is no port ID"))
}

/// A process that copies one block from its standard input to its standard output.
fn mover(input: Stdio, output: Stdio) -> std::process::Child {
    let mut dd = Command::new("dd");
    let dd = dd.args(["bs=4096", "count=1"]).stdin(input).stdout(output);
    dd.stderr(Stdio::null()).spawn().expect("busybox is there")
}

/// A message to another process.
fn greeting() -> Vec<u8> {
    let len = u32::try_from(16 + TEXT.len()).expect("short");
    let mut message = len.to_ne_bytes().to_vec();
    message.extend(100_u16.to_ne_bytes());
    message.extend([0; 2]);
    message.extend(SEQ.to_ne_bytes());
    message.extend([0; 4]);
    message.extend(TEXT.as_bytes());
    message
}

/// A message between two processes, and what was shown of it.
struct Passed {
    /// Port IDs of the sender and the receiver.
    ports: (u32, u32),
    /// Process IDs of both.
    processes: (u32, u32),
    lines: Vec<Value>,
}

impl Passed {
    fn on() -> Self {
        let (sending, from) = listener(NETLINK_USERSOCK, 0);
        let (receiving, to) = listener(NETLINK_USERSOCK, 0);
        connect(&sending, &SocketAddrNetlink::new(to, 0)).expect("root may");
        let mut watching = Watching::start(&["-p", "usersock"]);
        let receiver = mover(receiving.into(), Stdio::piped());
        let mut sender = mover(Stdio::piped(), sending.into());
        let processes = (sender.id(), receiver.id());
        let mut input = sender.stdin.take().expect("is piped");
        input.write_all(&greeting()).expect("it reads");
        drop(input);
        assert!(sender.wait().expect("ends").success());
        let received = receiver.wait_with_output().expect("ends");
        assert_eq!(received.stdout, greeting());
        watching.read_until("it was read", |line| line["kind"] == "exchange");
        Self {
            ports: (from, to),
            processes,
            lines: watching.stop(),
        }
    }

    fn exchange(&self) -> &Value {
        let exchanges = of_kind(&self.lines, "exchange");
        let [exchange] = *exchanges else {
            panic!("one exchange: {exchanges:?}");
        };
        exchange
    }
}

#[test]
fn a_message_between_processes_is_one_exchange_with_both_ends() {
    in_own_namespace(|| {
        let passed = Passed::on();
        let messages = of_kind(&passed.lines, "message");
        let [shown] = *messages else {
            panic!("one message: {messages:?}");
        };
        assert_eq!(shown["direction"], "user_to_user");
        let ports = (port(&shown["portid"]), port(&shown["peer_portid"]));
        assert_eq!(ports, passed.ports);
        assert_eq!(shown["pid"], passed.processes.0);
        assert_eq!(shown["text"], TEXT);
        let exchange = passed.exchange();
        assert_eq!(exchange["pid"], passed.processes.0);
        assert_eq!(exchange["seq"], SEQ);
        let stages = exchange["stages"].as_object().expect("an object");
        for stage in ["send", "cross", "queue", "sent", "receive", "delivered"] {
            assert!(stages.contains_key(stage), "{stage}: {exchange}");
        }
        assert_eq!(stages.len(), 6, "no callback, no reply: {exchange}");
        let summary = passed.lines.last().expect("lines");
        assert_eq!(
            (&summary["sent"], &summary["received"]),
            (&1.into(), &1.into())
        );
    });
}

#[test]
fn who_read_a_message_from_another_process_is_named() {
    in_own_namespace(|| {
        let passed = Passed::on();
        let (exchange, reader) = (passed.exchange(), passed.processes.1);
        let named = exchange.to_string().contains(&format!("\"pid\":{reader},"));
        assert!(named, "process {reader} read it: {exchange}");
    });
}
