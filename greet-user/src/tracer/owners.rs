// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who owns a socket that lost a message. The kernel names the socket by its inode number; which
//! processes hold that, `/proc` says. It is asked once a socket, and never for more than a small
//! part of the time: whoever makes many sockets lose messages must not keep the tracer busy.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use greet_common::event::COMM_SIZE;

use crate::{
    event::{Event, Owner},
    sockets,
};

/// How many sockets are remembered.
const MOST: usize = 1024;
/// How long may be looked at once …
const BURST: Duration = Duration::from_millis(300);
/// … and one in how many parts of the time, in the long run.
const SHARE: u32 = 20;

/// The owners that were asked for.
#[derive(Debug)]
pub(super) struct Owners {
    /// By the socket's inode number.
    known: HashMap<u64, Option<Owner>>,
    /// For how long may be looked, and when that was so.
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
    /// Adds the owner to a loss, where it can be found.
    pub(super) fn name(&mut self, event: &mut Event) {
        if let Event::Loss(loss) = event
            && loss.owner.is_none()
            && loss.inode != 0
        {
            // A port ID is that of the process unless it chose another, and a sender may lose its
            // own answers.
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
        // A little later there is a little time again.
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
