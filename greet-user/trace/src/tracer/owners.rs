// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the owner of a socket that lost a message. The kernel identifies the socket by its inode
//! number; `/proc` shows which processes hold it. Each socket is looked up once, and only for a
//! small part of the time: a process that makes many sockets lose messages must not keep the tracer
//! busy.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use greet_common::event::COMM_SIZE;

use crate::{
    event::{Event, Owner},
    sockets,
};

/// Maximum number of sockets remembered.
const MOST: usize = 1024;
/// Maximum time for lookups in one burst …
const BURST: Duration = Duration::from_millis(300);
/// … and, in the long run, one part in this many of the time.
const SHARE: u32 = 20;

/// The owners looked up so far.
#[derive(Debug)]
pub(super) struct Owners {
    /// By the socket's inode number.
    known: HashMap<u64, Option<Owner>>,
    /// Time left for lookups, and when it was last updated.
    left: Duration,
    counted: Instant,
}

impl Default for Owners {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            left: BURST,
            counted: Instant::now(),
        }
    }
}

impl Owners {
    /// Adds the owner to a loss, if it can be found.
    pub(super) fn name(&mut self, event: &mut Event) {
        if let Event::Loss(loss) = event
            && loss.owner.is_none()
            && loss.inode != 0
        {
            // A port ID is the process ID unless the process chose another, and a sender may lose
            // its own replies.
            let likely = [loss.portid, loss.head.pid];
            loss.owner = self.of(loss.inode, |inode| sockets::holder(inode, &likely));
        }
    }

    fn of(
        &mut self,
        inode: u64,
        find: impl FnOnce(u64) -> Option<sockets::Process>,
    ) -> Option<Owner> {
        if let Some(known) = self.known.get(&inode) {
            return *known;
        }
        let started = Instant::now();
        let earned = started.saturating_duration_since(self.counted) / SHARE;
        self.left = (self.left + earned).min(BURST);
        self.counted = started;
        if self.left.is_zero() {
            return None;
        }
        let owner = find(inode).map(|process| owner(&process));
        self.left = self.left.saturating_sub(started.elapsed());
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(inode, owner);
        owner
    }
}

fn owner(process: &sockets::Process) -> Owner {
    let mut comm = [0; COMM_SIZE];
    let name = process.comm.as_bytes();
    let len = name.len().min(COMM_SIZE - 1);
    comm[..len].copy_from_slice(&name[..len]);
    Owner {
        pid: process.pid,
        comm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32) -> Option<sockets::Process> {
        Some(sockets::Process {
            pid,
            comm: "a name that is far too long".to_owned(),
        })
    }

    #[test]
    fn a_socket_is_asked_for_once() {
        let mut owners = Owners::default();
        let found = owners.of(7, |_| process(70)).expect("an owner");
        assert_eq!((found.pid, found.comm()), (70, &b"a name that is "[..]));
        let again = owners.of(7, |_| panic!("it is known"));
        assert_eq!(again, Some(found));
    }

    #[test]
    fn most_of_the_time_nobody_is_asked() {
        let mut owners = Owners::default();
        assert_eq!(owners.of(6, |_| None), None);
        let slow = |_| {
            std::thread::sleep(BURST);
            None
        };
        assert_eq!(owners.of(7, slow), None);
        assert!(owners.left.is_zero());
        owners.counted = Instant::now();
        assert_eq!(owners.of(7, |_| panic!("it is known")), None);
        // A little later, some time is available again.
        owners.counted -= Duration::from_millis(20);
        let found = owners.of(8, |_| process(71));
        assert_eq!(found.map(|owner| owner.pid), Some(71));
    }

    #[test]
    fn memory_is_bounded() {
        let mut owners = Owners::default();
        for inode in 1..5_000 {
            owners.left = BURST;
            owners.of(inode, |_| None);
            assert!(owners.known.len() <= MOST);
        }
    }
}
