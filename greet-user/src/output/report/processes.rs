// SPDX-License-Identifier: MIT OR Apache-2.0
//! The spans of all exchanges, of each process name and of each process. The number of names and
//! processes is bounded; the rest count only towards all exchanges.

use hashbrown::HashMap;

use greet_trace::{
    describe,
    event::{comm, escaped},
    journey::Exchange,
    statistics::Spans,
};

/// Maximum number of names, and of processes: each takes up to 0.5 MiB.
const MOST: usize = 32;

/// All groups.
#[derive(Default)]
pub(super) struct Processes {
    all: Group,
    names: Several<Box<[u8]>>,
    processes: Several<(u32, Box<[u8]>)>,
}

/// A group of exchanges.
#[derive(Default)]
pub(super) struct Group {
    /// Their number.
    pub exchanges: u64,
    /// Their spans.
    pub spans: Spans,
}

/// Which exchanges a group contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of all processes.
    All,
    /// Those of all processes with one name.
    Name,
    /// Those of one process.
    Process,
}

struct Several<K> {
    groups: Vec<(K, Group)>,
    places: HashMap<K, usize>,
    /// Exchanges for which there was no room.
    rest: u64,
}

impl<K> Default for Several<K> {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            places: HashMap::new(),
            rest: 0,
        }
    }
}

impl<K: Clone + Eq + std::hash::Hash> Several<K> {
    fn count(&mut self, key: K, exchange: &Exchange) {
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if self.groups.len() < MOST => {
                self.groups.push((key.clone(), Group::default()));
                self.places.insert(key, self.groups.len() - 1);
                self.groups.len() - 1
            }
            None => {
                self.rest += 1;
                return;
            }
        };
        self.groups[place].1.count(exchange);
    }
}

impl Group {
    fn count(&mut self, exchange: &Exchange) {
        self.exchanges += 1;
        self.spans.count(exchange);
    }
}

impl Processes {
    pub(super) fn count(&mut self, exchange: &Exchange) {
        self.all.count(exchange);
        let Some(head) = describe::owner(exchange) else {
            return;
        };
        let name: Box<[u8]> = comm(head).into();
        self.processes.count((head.pid, name.clone()), exchange);
        self.names.count(name, exchange);
    }

    /// The groups with their names, all processes first. A name that only one process has is left
    /// out, since that process has the same spans.
    pub(super) fn groups(&self) -> Vec<(Whose, String, &Group)> {
        let mut groups = vec![(Whose::All, "all processes".to_owned(), &self.all)];
        for (name, group) in &self.names.groups {
            let processes = self.processes.groups.iter();
            let of_name = processes.filter(|((_, of), _)| of == name);
            let alone = of_name.map(|(_, group)| group.exchanges).max();
            if alone != Some(group.exchanges) {
                let name = format!("{}, all processes", escaped(name));
                groups.push((Whose::Name, name, group));
            }
        }
        for ((pid, name), group) in &self.processes.groups {
            groups.push((Whose::Process, format!("{}[{pid}]", escaped(name)), group));
        }
        groups
    }
}
