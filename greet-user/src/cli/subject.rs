// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is watched, in words.

use greet_trace::event::{escaped, protocol_name};

use super::Scope;

/// `ROUTE, pid 12` and so on.
pub(super) fn of(scope: &Scope) -> String {
    let protocol = |number: &u32| {
        let name = protocol_name(*number);
        name.map_or_else(
            || format!("protocol {number}"),
            |name| name.trim_start_matches("NETLINK_").to_owned(),
        )
    };
    let mut words: Vec<_> = scope.protocols.iter().map(protocol).collect();
    if words.is_empty() {
        words.push("all protocols".to_owned());
    }
    words.extend(scope.pid.map(|pid| format!("pid {pid}")));
    words.extend(scope.port.map(|port| format!("port {port}")));
    words.extend(scope.netns.0.map(|netns| format!("netns {netns}")));
    let comm = scope.comm.as_ref();
    words.extend(comm.map(|comm| format!("processes {}", escaped(comm.as_bytes()))));
    if !scope.command.is_empty() {
        let command: Vec<_> = scope
            .command
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        words.push(format!("command {}", escaped(command.join(" ").as_bytes())));
    }
    words.join(", ")
}
