// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table as it is printed.
use greet_trace::sockets::Process;

use crate::sockets::json;

use super::*;

fn sockets() -> Vec<Socket> {
    let kernels = Socket {
        protocol: 31,
        portid: 0,
        netns: Some(4_026_531_840),
        is_kernels: true,
        groups: Vec::new(),
        rmem: 0,
        rcvbuf: Some(212_992),
        drops: 0,
        inode: 1234,
        callback: Some(Callback {
            address: 0xffff_ffff_c0de_0000,
            symbol: "netlink_recv_msg_fn".to_owned(),
            module: Some("NetlinkGreetingsLKM".to_owned()),
        }),
        processes: Vec::new(),
    };
    let process = |pid, comm: &str| Process {
        pid,
        comm: comm.to_owned(),
    };
    let users = Socket {
        protocol: 0,
        portid: 4_294_965_248,
        is_kernels: false,
        groups: (1..=10).collect(),
        rmem: 2304,
        drops: 7,
        callback: None,
        processes: vec![process(1, "init"), process(77, "\u{1b}[31mred")],
        ..kernels.clone()
    };
    let bare = Socket {
        protocol: 30,
        netns: None,
        rcvbuf: None,
        callback: None,
        processes: Vec::new(),
        groups: Vec::new(),
        ..users.clone()
    };
    vec![kernels, users, bare]
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

#[test]
fn as_a_table() {
    let mut out = Vec::new();
    write(&mut out, &sockets()).expect("a Vec takes all");
    insta::assert_snapshot!(text(out));
}

#[test]
fn as_json() {
    let mut out = Vec::new();
    json::write(&mut out, &sockets()).expect("a Vec takes all");
    insta::assert_snapshot!(text(out));
}
