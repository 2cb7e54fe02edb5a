// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the counters of a task and bounds the number of label values: a program that names
//! processes at will must not fill our memory, nor the database's.

use std::sync::Arc;

use greet_trace::event::{Head, comm, escaped, protocol_name};
use hashbrown::HashMap;

use super::{Shared, row::Row};

/// The name of all processes that did not fit.
pub(super) const OTHER: &str = "other";

/// The 32 protocols, and one slot for numbers that netlink does not have.
pub(super) const PROTOCOLS: usize = 33;

/// A protocol and a command name.
type Key = (usize, u128);

/// The tracing thread's own index of the rows.
pub(super) struct Table {
    shared: Arc<Shared>,
    /// Indices in `rows` of the names seen.
    known: HashMap<Key, usize>,
    rows: Vec<Arc<Row>>,
    /// Indices of the protocols' `other` rows.
    others: [Option<usize>; PROTOCOLS],
    limit: usize,
}

impl Table {
    /// With room for `limit` pairs of a protocol and a process name.
    pub(super) fn new(shared: Arc<Shared>, limit: usize) -> Self {
        Self {
            shared,
            known: HashMap::new(),
            rows: Vec::new(),
            others: [None; PROTOCOLS],
            limit,
        }
    }

    /// The row of the task, and whether it was folded into `other` for lack of room. Neither
    /// allocates nor locks for a known name.
    pub(super) fn row(&mut self, head: &Head) -> (&Row, bool) {
        let protocol = place(head.protocol);
        let key = (protocol, packed(&head.comm));
        let (at, folded) = match self.known.get(&key) {
            Some(at) => (*at, false),
            None if self.known.len() >= self.limit => (self.other(protocol), true),
            None => {
                let at = self.named(protocol, &escaped(comm(head)));
                self.known.insert(key, at);
                (at, false)
            }
        };
        (&self.rows[at], folded)
    }

    /// The row with this label. It exists already if another name looks the same once escaped.
    fn named(&mut self, protocol: usize, process: &str) -> usize {
        if process == OTHER {
            return self.other(protocol);
        }
        let is_it = |row: &Arc<Row>| row.protocol == protocol && *row.process == *process;
        let found = self.rows.iter().position(is_it);
        found.unwrap_or_else(|| self.add(protocol, process))
    }

    fn other(&mut self, protocol: usize) -> usize {
        if let Some(at) = self.others[protocol] {
            return at;
        }
        let at = self.add(protocol, OTHER);
        self.others[protocol] = Some(at);
        at
    }

    fn add(&mut self, protocol: usize, process: &str) -> usize {
        let row = Arc::new(Row::new(protocol, process));
        self.shared.rows().push(Arc::clone(&row));
        self.rows.push(row);
        self.rows.len() - 1
    }
}

/// The index of a protocol.
pub(super) fn place(protocol: u32) -> usize {
    usize::try_from(protocol).map_or(PROTOCOLS - 1, |protocol| protocol.min(PROTOCOLS - 1))
}

/// Values of the label `protocol`: the names that `--protocol` accepts, else the number.
pub(super) fn labels() -> [String; PROTOCOLS] {
    std::array::from_fn(|place| {
        let name = u32::try_from(place).ok().and_then(protocol_name);
        match name.and_then(|name| name.strip_prefix("NETLINK_")) {
            Some(short) => short.to_ascii_lowercase(),
            None if place == PROTOCOLS - 1 => "unknown".to_owned(),
            None => place.to_string(),
        }
    })
}

/// The command name up to its NUL, as a number.
fn packed(comm: &[u8; 16]) -> u128 {
    let number = u128::from_le_bytes(*comm);
    let len = comm.iter().position(|byte| *byte == 0).unwrap_or(16);
    match len {
        16 => number,
        len => number & ((1 << (8 * len)) - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(protocol: u32, name: &[u8]) -> Head {
        let mut comm = [0; 16];
        comm[..name.len()].copy_from_slice(name);
        Head {
            kind: 0,
            protocol,
            call: 0,
            pid: 0,
            tid: 0,
            comm,
            sock: 0,
        }
    }

    /// The label of each name, with room for `limit`.
    fn labelled(limit: usize, names: &[&[u8]]) -> Vec<(String, bool)> {
        let mut table = Table::new(Arc::default(), limit);
        let mut of = |name: &&[u8]| {
            let (row, folded) = table.row(&head(0, name));
            (row.process.to_string(), folded)
        };
        names.iter().map(&mut of).collect()
    }

    #[test]
    fn those_without_room_are_others() {
        let found = labelled(2, &[b"ip", b"ss", b"tc", b"ip", b"tc"]);
        let found: Vec<_> = found
            .iter()
            .map(|(name, folded)| (name.as_str(), *folded))
            .collect();
        let wanted = [
            ("ip", false),
            ("ss", false),
            ("other", true),
            ("ip", false),
            ("other", true),
        ];
        assert_eq!(found, wanted);
        assert_eq!(labelled(0, &[b"ip"]), [("other".to_owned(), true)]);
    }

    #[test]
    fn no_two_rows_look_the_same() {
        let mut table = Table::new(Arc::default(), 100);
        let names: [&[u8]; 8] = [
            b"a\nb", b"a\\nb", b"\xff", b"\\xff", b"other", b"", b"\"}", b"x\0y",
        ];
        for name in names {
            for protocol in [0, 31, 32, u32::MAX] {
                table.row(&head(protocol, name));
            }
        }
        for name in 0..200_u8 {
            table.row(&head(0, &[name, name]));
        }
        let rows = table.shared.rows();
        let mut labels: Vec<_> = rows
            .iter()
            .map(|row| (row.protocol, &row.process))
            .collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), rows.len());
        // A process called `other` is one of the others.
        assert_eq!(
            labels.iter().filter(|(_, name)| ***name == *OTHER).count(),
            3
        );
        assert!(table.known.len() <= 100);
    }

    #[test]
    fn what_lies_behind_the_nul_is_no_name() {
        assert_eq!(
            packed(b"ip\0garbage......").to_le_bytes(),
            *b"ip\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        );
        assert_eq!(
            packed(b"0123456789abcdef").to_le_bytes(),
            *b"0123456789abcdef"
        );
        assert_eq!(packed(&[0; 16]), 0);
    }

    #[test]
    fn each_protocol_has_a_label() {
        let labels = labels();
        assert_eq!(
            (&*labels[0], &*labels[1], &*labels[31]),
            ("route", "1", "test_protocol")
        );
        assert_eq!((place(31), place(32), place(u32::MAX)), (31, 32, 32));
        assert_eq!(labels[32], "unknown");
    }
}
