// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers as text.

use greet_common::wire::Header;

use super::line::{cut, width};
use super::render::RenderOptions;
pub(super) use greet_trace::describe::{bytes, counted, error_name, error_text};
use greet_trace::event::{Datagram, Head, Owner, comm, flag_names, protocol_name, type_name};

/// The message type: its number and, if it has one, its name.
pub(super) fn kind(datagram: &Datagram, header: &Header) -> String {
    let kind = header.kind;
    type_name(datagram.protocol, kind)
        .map_or_else(|| kind.to_string(), |name| format!("{kind} {name}"))
}

/// The flags' names, without their common prefix.
pub(super) fn flags(protocol: u32, header: &Header) -> String {
    let names: Vec<_> = flag_names(protocol, header).collect();
    match names.join("|").replace("NLM_F_", "") {
        none if none.is_empty() => "0".to_owned(),
        some => some,
    }
}

/// The protocol's name, without the common prefix, or its number.
pub(super) fn protocol(protocol: u32) -> String {
    let name = protocol_name(protocol).map(|name| name.trim_start_matches("NETLINK_"));
    name.map_or_else(|| protocol.to_string(), str::to_owned)
}

/// `greet-user[71]`, or `greet-user[71/72]` for a thread other than the main one. If it does not
/// fit in `columns`, the name is cut, not the numbers.
pub(super) fn process(head: &Head, columns: usize, render: &RenderOptions) -> String {
    let (pid, tid) = (head.pid, head.tid);
    let ids = if pid == tid {
        format!("[{pid}]")
    } else {
        format!("[{pid}/{tid}]")
    };
    let name = render.shown(comm(head));
    let room = columns.saturating_sub(width(&ids));
    format!("{}{ids}", cut(&name, room, render))
}

/// `ip[71]`: the process that owns a socket.
pub(super) fn owner(owner: &Owner, render: &RenderOptions) -> String {
    format!("{}[{}]", render.shown(owner.comm()), owner.pid)
}

/// With one decimal, rounded.
pub(super) fn microseconds(ns: u64) -> String {
    let tenths = rounded(ns, 100);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// In multiples of this unit, rounded to the nearest.
const fn rounded(ns: u64, unit: u64) -> u64 {
    ns / unit + (ns % unit >= unit.div_ceil(2)) as u64
}

/// In seven columns: `779.1`, `123456` from 100 ms on, `12.345s` from one second on.
pub(super) fn short(ns: u64) -> String {
    // Compare the rounded number: it must not get one column wider.
    let (micros, millis) = (rounded(ns, 1_000), rounded(ns, 1_000_000));
    let tenths = rounded(ns, 100_000_000);
    match ns {
        _ if rounded(ns, 100) < 1_000_000 => microseconds(ns),
        _ if micros < 1_000_000 => micros.to_string(),
        _ if millis < 100_000 => format!("{}.{:03}s", millis / 1_000, millis % 1_000),
        _ if tenths < 100_000 => format!("{}.{}s", tenths / 10, tenths % 10),
        _ => format!("{}s", rounded(ns, 1_000_000_000)),
    }
}

/// `779.1 µs`, or seconds.
pub(super) fn duration(ns: u64, render: &RenderOptions) -> String {
    let text = short(ns);
    match text.strip_suffix('s') {
        Some(seconds) => format!("{seconds} s"),
        None => format!("{text} {}", render.glyphs().us),
    }
}

/// CLOCK_MONOTONIC in seconds, as in the kernel log.
pub(super) fn clock(time_ns: u64) -> String {
    let (seconds, rest) = (time_ns / 1_000_000_000, time_ns % 1_000_000_000);
    format!("{seconds}.{:06}", rest / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded() {
        for (ns, text) in [
            (49, "0.0"),
            (50, "0.1"),
            (949, "0.9"),
            (950, "1.0"),
            (99_999_949, "99999.9"),
            (99_999_950, "100000"),
            (999_999_499, "999999"),
            (999_999_500, "1.000s"),
            (12_345_600_000, "12.346s"),
            (99_999_499_999, "99.999s"),
            (99_999_500_000, "100.0s"),
            (9_999_949_999_999, "9999.9s"),
            (9_999_950_000_000, "10000s"),
        ] {
            assert_eq!(short(ns), text, "{ns}");
            assert!(text.len() <= 7, "{text}");
        }
    }
}
