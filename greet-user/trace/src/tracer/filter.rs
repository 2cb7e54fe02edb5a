// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to watch. All filters are applied in the kernel, before anything is copied.

use greet_common::event::{CAPTURE, COMM_SIZE};

/// What to watch. The default is everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The netlink protocols, one bit each.
    pub protocols: u32,
    /// The tasks whose traffic to watch.
    pub tasks: Tasks,
    /// Only this network namespace, by its inode number; `None` for all.
    pub netns: Option<u32>,
    /// Only this port ID, at either end.
    pub port: Option<u32>,
    /// Only this thread name, as stored by the kernel (at most 15 bytes).
    pub comm: Option<String>,
    /// Only this process name: that of the thread group's leader.
    pub process: Option<String>,
    /// Maximum number of bytes to copy from each datagram; 0 for none.
    pub snaplen: u32,
    /// Whether only times and counts are wanted, which takes fewer records.
    pub summary: bool,
    /// Whether a request is also reported at the stage `cross`, before the kernel handles it.
    pub early: bool,
}

/// The tasks whose traffic to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tasks {
    /// All tasks.
    Any,
    /// One process.
    Process(u32),
    /// A command and its descendants; see [`super::Tracer::follow`].
    Command,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            protocols: u32::MAX,
            tasks: Tasks::Any,
            netns: None,
            port: None,
            comm: None,
            process: None,
            snaplen: CAPTURE as u32,
            summary: false,
            early: false,
        }
    }
}

impl Filter {
    /// All traffic of one netlink protocol.
    #[must_use]
    pub fn protocol(protocol: u32) -> Self {
        Self {
            protocols: 1_u32.checked_shl(protocol).unwrap_or(0),
            ..Self::default()
        }
    }

    /// The same filter, limited to one process.
    #[must_use]
    pub fn of_process(self, pid: u32) -> Self {
        Self {
            tasks: Tasks::Process(pid),
            ..self
        }
    }

    /// `FILTER_TASKS` and `FILTER_PID`, as defined by greet-ebpf.
    pub(super) const fn tasks_and_pid(&self) -> (u32, u32) {
        match self.tasks {
            Tasks::Any => (0, 0),
            Tasks::Process(pid) => (1, pid),
            Tasks::Command => (2, 0),
        }
    }
}

/// A name as two numbers in memory order; both are 0 for any name.
pub(super) fn words(name: Option<&str>) -> [u64; 2] {
    let mut bytes = [0; COMM_SIZE];
    let name = name.unwrap_or_default().as_bytes();
    // The kernel truncates a name to make room for its NUL.
    let len = name.len().min(COMM_SIZE - 1);
    bytes[..len].copy_from_slice(&name[..len]);
    let (low, high) = bytes.split_at(8);
    [low, high].map(|half| {
        let mut word = [0; 8];
        word.copy_from_slice(half);
        u64::from_ne_bytes(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_as_the_kernel_does() {
        assert_eq!(words(None), [0, 0]);
        assert_eq!(words(Some("ip"))[0].to_ne_bytes(), *b"ip\0\0\0\0\0\0");
        let long = words(Some("NetworkManagerDaemon"));
        assert_eq!(long[1].to_ne_bytes(), *b"anagerD\0");
    }

    #[test]
    fn protocols_are_bits() {
        assert_eq!(Filter::protocol(0).protocols, 1);
        assert_eq!(Filter::protocol(31).protocols, 1 << 31);
        assert_eq!(Filter::protocol(32).protocols, 0);
    }
}
