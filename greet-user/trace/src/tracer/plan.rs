// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to attach, and what was attached.

use std::collections::BTreeSet;

use aya::util::online_cpus;
use greet_common::Stage;

use crate::journey::Watched;

use super::callbacks::{Callback, Callbacks};

/// Size of the ring buffer per online CPU, in bytes: a task that does nothing but send fills two of
/// these in half a second.
const BUFFER_PER_CPU: u32 = 8 << 20;
/// Maximum number of CPUs counted.
const MOST_CPUS: usize = 8;
/// The stages of reading.
pub(super) const DELIVERY: &[Stage] = &[Stage::Receive, Stage::Delivered];

/// The stages of the receive callback.
pub(super) const HANDLER: &[Stage] = &[Stage::Handle, Stage::Handled];

/// How programs are attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hooks {
    /// kprobes on a preemptible kernel, else fentry; the other if one fails, tracepoints if both do.
    #[default]
    Auto,
    /// fentry and fexit.
    Fentry,
    /// kprobe and kretprobe, with fexit on functions that may block.
    Kprobe,
    /// The kernel's tracepoints.
    Tracepoint,
}

/// What to attach.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The requested stages.
    pub stages: BTreeSet<Stage>,
    /// The receive callbacks.
    pub callbacks: Callbacks,
    /// The kind of hooks.
    pub hooks: Hooks,
    /// Whether only times and counts are wanted. Failed replies are then counted as those that do
    /// not reach a queue, which needs no hook, and the reason is not recorded.
    pub summary: bool,
    /// Whether processes are followed into their children.
    pub family: bool,
    /// Size of the ring buffer in bytes: a power of two, at least a page.
    pub buffer: u32,
}

/// Size of the ring buffer for a run that watches whatever happens, in bytes: a power of two.
#[must_use]
pub fn buffer_size() -> u32 {
    let online = online_cpus().map_or(MOST_CPUS, |online| online.len());
    let counted = online.clamp(1, MOST_CPUS).next_power_of_two();
    BUFFER_PER_CPU * u32::try_from(counted).unwrap_or(1)
}

impl Default for Plan {
    /// All nine stages, with the callbacks of modules.
    fn default() -> Self {
        Self {
            stages: Stage::ALL.into(),
            callbacks: Callbacks::Found { built_in: false },
            hooks: Hooks::default(),
            summary: false,
            family: false,
            buffer: 2 << 20,
        }
    }
}

impl Plan {
    /// Whether deliveries will be seen.
    #[must_use]
    pub fn deliveries(&self) -> bool {
        DELIVERY.iter().any(|stage| self.stages.contains(stage))
    }

    /// Whether to attach to receive callbacks.
    pub(super) fn wants_callbacks(&self) -> bool {
        self.wants(HANDLER)
    }

    /// Whether any of these is requested, or the list is empty.
    pub(super) fn wants(&self, stages: &[Stage]) -> bool {
        stages.is_empty() || stages.iter().any(|stage| self.stages.contains(stage))
    }
}

/// What is attached, and what could not be attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// E.g. `fentry:netlink_unicast`.
    pub hooks: Vec<String>,
    /// What cannot be seen on this kernel: one sentence each.
    pub missing: Vec<String>,
    /// The receive callbacks that are attached to.
    pub callbacks: Vec<Callback>,
}

impl Attached {
    /// The receive callback of this protocol, if there is only one candidate.
    #[must_use]
    pub fn callback_of(&self, protocol: u32) -> Option<&str> {
        let mut fitting = self
            .callbacks
            .iter()
            .filter(|callback| callback.protocols & 1_u32.checked_shl(protocol).unwrap_or(0) != 0);
        match (fitting.next(), fitting.next()) {
            (Some(callback), None) => Some(&callback.symbol),
            _ => None,
        }
    }

    /// What these hooks can see; `deliveries` is whether reading was requested. A run whose hooks
    /// are unknown is assumed to have seen everything.
    #[must_use]
    pub fn watched(&self, deliveries: bool) -> Watched {
        let has = |functions: &[&str]| {
            let mut hooks = self.hooks.iter().filter_map(|hook| hook.split_once(':'));
            self.hooks.is_empty() || hooks.any(|(_, function)| functions.contains(&function))
        };
        Watched {
            requests: has(&["netlink_sendmsg", "sock_send_length"]),
            queues: has(&["__netlink_sendskb", "sk_data_ready"]),
            deliveries: deliveries
                && has(&[
                    "netlink_recvmsg",
                    "sock_recv_length",
                    "skb_copy_datagram_iovec",
                ]),
            losses: has(&["netlink_overrun"]),
            // Hooks do not determine how many are captured.
            bytes: true,
        }
    }

    /// Whether something is attached to this function.
    pub(super) fn has(&self, function: &str) -> bool {
        let mut hooks = self.hooks.iter().filter_map(|hook| hook.split_once(':'));
        hooks.any(|(way, name)| name == function && matches!(way, "fentry" | "kprobe"))
    }

    pub(super) fn symbols(&self) -> Vec<String> {
        let symbols = self.callbacks.iter();
        symbols.map(|callback| callback.symbol.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_say_what_can_be_seen() {
        let of = |hooks: &[&str]| {
            let attached = Attached {
                hooks: hooks.iter().map(|hook| (*hook).to_owned()).collect(),
                ..Attached::default()
            };
            attached.watched(true)
        };
        assert_eq!(of(&[]), Watched::ALL, "not known");
        let all = of(&[
            "fexit:netlink_sendmsg",
            "kretprobe:netlink_recvmsg",
            "kprobe:__netlink_sendskb",
            "fentry:netlink_overrun",
        ]);
        assert_eq!(all, Watched::ALL);
        let handle = of(&["fexit:netlink_sendmsg", "kprobe:netlink_overrun"]);
        assert!(handle.requests && handle.losses && !handle.queues && !handle.deliveries);
        let tracepoints = of(&["tp_btf:sk_data_ready", "tp_btf:skb_copy_datagram_iovec"]);
        assert!(tracepoints.queues && tracepoints.deliveries);
        assert!(!tracepoints.requests && !tracepoints.losses);
        assert!(
            !Attached::default().watched(false).deliveries,
            "not asked for"
        );
    }

    #[test]
    fn a_callback_is_told_only_where_there_is_no_doubt() {
        let callback = |symbol: &str, protocols| Callback {
            symbol: symbol.to_owned(),
            protocols,
        };
        let attached = Attached {
            callbacks: vec![
                callback("one", 1 << 31),
                callback("two", 1 << 5 | 1 << 6),
                callback("three", 1 << 6),
            ],
            ..Attached::default()
        };
        assert_eq!(attached.callback_of(31), Some("one"));
        assert_eq!(attached.callback_of(5), Some("two"));
        assert_eq!(attached.callback_of(6), None, "which of them?");
        assert_eq!(attached.callback_of(0), None);
        assert_eq!(attached.callback_of(99), None);
    }
}
