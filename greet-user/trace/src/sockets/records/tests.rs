// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records as the eBPF program writes them, and damaged ones.
use std::mem::offset_of;

use super::*;

#[test]
fn the_kernels_way_of_naming_is_understood() {
    for (text, symbol, module) in [
        ("rtnetlink_rcv+0x0/0x20", "rtnetlink_rcv", None),
        (
            "netlink_recv_msg_fn+0x0/0x1f0 [NetlinkGreetingsLKM]",
            "netlink_recv_msg_fn",
            Some("NetlinkGreetingsLKM"),
        ),
        ("somewhere+0x10/0x20 [other]", "0xabc", Some("other")),
        ("0xffffffffc0de0000", "0xabc", None),
        ("", "0xabc", None),
    ] {
        let found = named(0xabc, text);
        assert_eq!(found.symbol, symbol, "{text}");
        assert_eq!(found.module.as_deref(), module, "{text}");
        assert_eq!(found.is_named(), symbol != "0xabc", "{text}");
    }
}

#[test]
fn a_walk_without_an_end_is_no_walk() {
    let error = Records::default().finish(0).expect_err("nothing came");
    assert!(matches!(error, SocketsError::Incomplete { .. }), "{error}");
}

#[test]
fn what_the_end_says_counts() {
    let well = [SocketRecordKind::End as u32, 1, 0, 0, 0, 0];
    let bytes = |words: [u32; 6]| words.map(u32::to_ne_bytes).concat();
    let finish = |words, dropped| {
        let mut records = Records::default();
        records.take(&bytes(words)).expect("a record");
        records.finish(dropped)
    };
    assert_eq!(finish(well, 0).expect("complete"), []);
    assert!(finish(well, 1).is_err(), "a record was dropped");
    for (word, value) in [(1, 0), (3, 1), (4, 1)] {
        let mut ill = well;
        ill[word] = value;
        assert!(finish(ill, 0).is_err(), "{ill:?}");
    }
}

#[test]
fn other_bytes_are_refused() {
    for length in 0..300 {
        for kind in [0, 1, 101, 102, 103, 104] {
            let mut bytes = vec![0; length];
            for (byte, value) in bytes.iter_mut().zip(u32::to_ne_bytes(kind)) {
                *byte = value;
            }
            let fits = [(101, 96), (102, 272), (103, 24)].contains(&(kind, length));
            let taken = Records::default().take(&bytes).is_ok();
            assert_eq!(taken, fits, "kind {kind}, {length} bytes");
        }
    }
}

#[test]
fn a_socket_seen_twice_is_one() {
    let mut record = vec![0; size_of::<socket::Socket>()];
    record[..4].copy_from_slice(&(SocketRecordKind::Socket as u32).to_ne_bytes());
    let groups = offset_of!(socket::Socket, groups);
    record[groups..groups + 8].copy_from_slice(&0x8000_0000_0000_0005_u64.to_ne_bytes());
    let count = offset_of!(socket::Socket, group_count);
    record[count..count + 4].copy_from_slice(&63_u32.to_ne_bytes());
    let mut records = Records::default();
    records.take(&record).expect("a record");
    records.take(&record).expect("a record");
    assert_eq!(records.sockets.len(), 1);
    assert_eq!(records.sockets[0].groups, [1, 3], "there is no group 64");
}
