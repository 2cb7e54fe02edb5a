// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to look at: all of it is applied in the kernel, before anything is copied.

use greet_common::event::{CAPTURE, COMM_SIZE};

/// What to look at. The default is everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The netlink protocols, a bit for each.
    pub protocols: u32,
    /// Whose traffic.
    pub tasks: Tasks,
    /// The one network namespace, by its inode number; `None` for all.
    pub netns: Option<u32>,
    /// The one port ID, at either end.
    pub port: Option<u32>,
    /// The one thread name, as the kernel has it (at most 15 bytes).
    pub comm: Option<String>,
    /// The one process name: that of the thread group's leader.
    pub process: Option<String>,
    /// How many bytes of a datagram are copied at most; 0 for none.
    pub snaplen: u32,
    /// Whether only times and counts are wanted: then fewer records tell them.
    pub summary: bool,
    /// Whether a request is reported at the stage `cross` as well, before the kernel handles it.
    pub early: bool,
}

/// Whose traffic to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tasks {
    /// Anybody's.
    Any,
    /// One process's.
    Process(u32),
    /// That of a command and its descendants; see [`super::Tracer::follow`].
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
    /// Everything of one netlink protocol.
    #[must_use]
    pub fn protocol(protocol: u32) -> Self {
        Self {
            protocols: 1_u32.checked_shl(protocol).unwrap_or(0),
            ..Self::default()
        }
    }

    /// The same, of one process only.
    #[must_use]
    pub fn of_process(self, pid: u32) -> Self {
        Self {
            tasks: Tasks::Process(pid),
            ..self
        }
    }

    /// `FILTER_TASKS` and `FILTER_PID`, as greet-ebpf has them.
    pub(super) const fn tasks_and_pid(&self) -> (u32, u32) {
        match self.tasks {
            Tasks::Any => (0, 0),
            Tasks::Process(pid) => (1, pid),
            Tasks::Command => (2, 0),
        }
    }
}

/// A name in two numbers in memory order, both 0 for any.
pub(super) fn words(name: Option<&str>) -> [u64; 2] {
    let mut bytes = [0; COMM_SIZE];
    let name = name.unwrap_or_default().as_bytes();
    // The kernel cuts a name to make room for its NUL.
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
