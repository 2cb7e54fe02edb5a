// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words for numbers.

use std::io;

use greet_common::wire::Header;
use nix::errno::Errno;

use super::line::{cut, width};
use super::look::Look;
use crate::event::{Datagram, Head, comm, flag_names, protocol_name, type_name};

/// `ENODEV` for -19; the number where it has no name.
pub(in crate::output) fn error_name(errno: i32) -> String {
    match Errno::from_raw(errno.wrapping_neg()) {
        Errno::UnknownErrno => errno.to_string(),
        known => format!("{known:?}"),
    }
}

/// `No such device` for -19.
pub(in crate::output) fn error_text(errno: i32) -> String {
    let error = io::Error::from_raw_os_error(errno.wrapping_neg()).to_string();
    let words = error.split(" (os error").next();
    words.unwrap_or_default().to_owned()
}

/// The message type: its number, and its name where it has one.
pub(super) fn kind(datagram: &Datagram, header: &Header) -> String {
    let kind = header.kind;
    type_name(datagram.protocol, kind)
        .map_or_else(|| kind.to_string(), |name| format!("{kind} {name}"))
}

/// The flags' names without what they have in common.
pub(super) fn flags(protocol: u32, header: &Header) -> String {
    let names: Vec<_> = flag_names(protocol, header).collect();
    match names.join("|").replace("NLM_F_", "") {
        none if none.is_empty() => "0".to_owned(),
        some => some,
    }
}

/// The protocol's name without what they have in common, or its number.
pub(super) fn protocol(protocol: u32) -> String {
    let name = protocol_name(protocol).map(|name| name.trim_start_matches("NETLINK_"));
    name.map_or_else(|| protocol.to_string(), str::to_owned)
}

/// `greet-user[71]`, or `greet-user[71/72]` for a thread that is not the process's first. In
/// so many columns: where they are too few, the name is cut and not the numbers.
pub(super) fn process(head: &Head, columns: usize, look: &Look) -> String {
    let (pid, tid) = (head.pid, head.tid);
    let ids = if pid == tid {
        format!("[{pid}]")
    } else {
        format!("[{pid}/{tid}]")
    };
    let name = look.shown(comm(head));
    let room = columns.saturating_sub(width(&ids));
    format!("{}{ids}", cut(&name, room, look))
}

/// `1 event`, `2 events`.
pub(super) fn counted(count: u64, one: &str, several: &str) -> String {
    let what = if count == 1 { one } else { several };
    format!("{count} {what}")
}

/// With one decimal, rounded down.
pub(super) fn microseconds(ns: u64) -> String {
    format!("{}.{}", ns / 1_000, ns % 1_000 / 100)
}

/// In seven columns: `779.1`, `123456` from 100 ms on, `12.345s` from a second on.
pub(super) fn short(ns: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let (seconds, rest) = (ns / SECOND, ns % SECOND);
    match ns {
        0..100_000_000 => microseconds(ns),
        100_000_000..SECOND => (ns / 1_000).to_string(),
        _ if seconds < 100 => format!("{seconds}.{:03}s", rest / 1_000_000),
        _ if seconds < 10_000 => format!("{seconds}.{}s", rest / 100_000_000),
        _ => format!("{seconds}s"),
    }
}

/// `779.1 µs`, or seconds.
pub(super) fn duration(ns: u64, look: &Look) -> String {
    let text = short(ns);
    match text.strip_suffix('s') {
        Some(seconds) => format!("{seconds} s"),
        None => format!("{text} {}", look.glyphs().us),
    }
}

/// CLOCK_MONOTONIC in seconds, as the kernel's log has it.
pub(super) fn clock(time_ns: u64) -> String {
    let (seconds, rest) = (time_ns / 1_000_000_000, time_ns % 1_000_000_000);
    format!("{seconds}.{:06}", rest / 1_000)
}
