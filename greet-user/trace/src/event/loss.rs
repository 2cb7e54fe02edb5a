// SPDX-License-Identifier: MIT OR Apache-2.0
//! A message that a socket did not get, and that socket's owner.

use greet_common::event::{self as record, COMM_SIZE, Head};

/// A process that owns a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Process ID, in the initial PID namespace. If several processes hold the socket, one of them:
    /// the one that bound it, if its port ID reveals that.
    pub pid: u32,
    /// Command name, NUL-terminated.
    pub comm: [u8; COMM_SIZE],
}

/// A message that a socket lost because its receive queue was full, or one from the kernel that
/// could not be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The task in which it happened (usually the sender's), and which socket lost a message.
    pub head: Head,
    /// When: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Port ID of the socket that lost it.
    pub portid: u32,
    /// A negative errno: what the sender got, or `-ENOBUFS` for an overrun.
    pub result: i32,
    /// 1 for an overrun of the receive queue, 0 for a failed `netlink_unicast`.
    pub overrun: u32,
    /// Inode number of the socket that lost it; 0 if not known.
    pub inode: u64,
    /// The owner of that socket; `None` if not known.
    pub owner: Option<Owner>,
}

impl From<record::Loss> for Loss {
    /// The kernel does not report the owner of a socket.
    fn from(record: record::Loss) -> Self {
        Self {
            head: record.head,
            time_ns: record.time_ns,
            netns: record.netns,
            portid: record.portid,
            result: record.result,
            overrun: record.overrun,
            inode: record.inode,
            owner: None,
        }
    }
}

impl Owner {
    /// The process that this task belongs to.
    #[must_use]
    pub const fn of(head: &Head) -> Self {
        Self {
            pid: head.pid,
            comm: head.comm,
        }
    }

    /// The command name, as it is: any bytes but NUL.
    #[must_use]
    pub fn comm(&self) -> &[u8] {
        let mut parts = self.comm.split(|byte| *byte == 0);
        parts.next().unwrap_or_default()
    }
}
