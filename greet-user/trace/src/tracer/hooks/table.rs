// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which program watches what, and what cannot be seen without it.

use greet_common::Stage;

use crate::tracer::plan::DELIVERY;

/// How programs are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookKind {
    Fentry,
    Kprobe,
    Tracepoint,
}

/// Where a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Entry,
    Exit,
    /// A tracepoint whose arguments are plain numbers to the verifier.
    Raw,
    /// A tracepoint with typed arguments.
    Tracepoint,
}

/// A program and where it attaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hook {
    /// The program for fentry or fexit, or for a tracepoint.
    pub program: &'static str,
    pub way: Way,
    /// The function or tracepoint.
    pub function: &'static str,
    /// Attached if any of these is requested; always, if the list is empty.
    pub stages: &'static [Stage],
    /// The stages that cannot be seen without it.
    pub shows: &'static [Stage],
    /// What else cannot be seen without it.
    pub tells: Option<&'static str>,
    /// The only kind that needs it; `None` if every kind does.
    pub only: Option<HookKind>,
    /// Whether the function may block, in any number of tasks at once, until a message arrives or
    /// until there is room for one. A kretprobe has slots for ten such calls (two per CPU if that
    /// is more) and misses the rest; fexit keeps its state on each task's stack.
    pub waits: bool,
    /// Whether other hooks still see a call that it misses: only what it adds is then absent, and
    /// the call does not count as missed.
    pub adds: bool,
}

const REQUEST: &[Stage] = &[
    Stage::Send,
    Stage::Cross,
    Stage::Handle,
    Stage::Reply,
    Stage::Handled,
    Stage::Sent,
];
pub(super) const REASONS: &str = "extended ACKs";
const CLOSED: &str = "when a socket is closed";
const DEATHS: &str = "requests of tasks that die in the kernel";
const CHILDREN: &str = "the command's children";

/// Hooks that end a call come first: a call that never ends would keep its slot.
pub(super) const FUNCTIONS: [Hook; 12] = [
    hook("sent", Way::Exit, "netlink_sendmsg", REQUEST)
        .shows(REQUEST)
        .waits(),
    hook("delivered", Way::Exit, "netlink_recvmsg", DELIVERY)
        .shows(DELIVERY)
        .waits(),
    hook("copied", Way::Raw, COPYING, DELIVERY)
        .tells("how much of a message its reader copied")
        .only(HookKind::Kprobe)
        .adds(),
    hook("failed", Way::Exit, "netlink_unicast", &[]).tells("why a reply failed"),
    hook("overrun", Way::Entry, "netlink_overrun", &[]).tells("overruns"),
    hook("extack", Way::Raw, "netlink_extack", REQUEST).tells(REASONS),
    hook("died", Way::Raw, "sched_process_exit", REQUEST)
        .tells(DEATHS)
        .adds(),
    hook("cross", Way::Entry, "netlink_unicast", REQUEST).shows(&[Stage::Cross, Stage::Reply]),
    hook(
        "queue",
        Way::Entry,
        "__netlink_sendskb",
        &[Stage::Queue, Stage::Reply],
    )
    .shows(&[Stage::Queue, Stage::Reply]),
    hook("receive", Way::Exit, "skb_recv_datagram", DELIVERY)
        .shows(DELIVERY)
        .waits(),
    hook("closed", Way::Entry, "netlink_release", DELIVERY).tells(CLOSED),
    hook("send", Way::Entry, "netlink_sendmsg", REQUEST).shows(REQUEST),
];

/// If functions cannot be watched: first the hooks that end a call …
pub(super) const TRACEPOINTS_ENDING: [Hook; 3] = [
    hook("sent_tp", Way::Tracepoint, "sock_send_length", SENT).shows(SENT),
    hook(
        "delivered_tp",
        Way::Tracepoint,
        "sock_recv_length",
        DELIVERY,
    )
    .shows(&[Stage::Delivered]),
    // `queue_tp` also needs to know when a buffer is dequeued.
    hook(
        "receive_tp",
        Way::Tracepoint,
        COPYING,
        &[Stage::Queue, Stage::Receive, Stage::Delivered],
    )
    .shows(DELIVERY),
];
/// … then those that may start one. The first is useful only if `sent_tp` ends what it starts.
pub(super) const TRACEPOINTS: [Hook; 3] = [
    hook("extack_tp", Way::Tracepoint, "netlink_extack", SENT).tells(REASONS),
    hook("queue_tp", Way::Tracepoint, "sk_data_ready", QUEUE).shows(QUEUE),
    hook("closed_tp", Way::Tracepoint, "kfree_skb", DELIVERY).tells(CLOSED),
];
const COPYING: &str = "skb_copy_datagram_iovec";
const SENT: &[Stage] = &[Stage::Sent];
const QUEUE: &[Stage] = &[Stage::Queue];
/// The stages that no tracepoint shows.
pub(super) const UNSEEN_BY_TRACEPOINTS: [Stage; 5] = [
    Stage::Send,
    Stage::Cross,
    Stage::Handle,
    Stage::Reply,
    Stage::Handled,
];

/// Attached if a command is followed.
pub(super) const FAMILY: [Hook; 2] = [
    hook("free", Way::Raw, "sched_process_free", &[]).tells(CHILDREN),
    hook("fork", Way::Raw, "sched_process_fork", &[]).tells(CHILDREN),
];

const fn hook(
    program: &'static str,
    way: Way,
    function: &'static str,
    stages: &'static [Stage],
) -> Hook {
    Hook {
        program,
        way,
        function,
        stages,
        shows: &[],
        tells: None,
        only: None,
        waits: false,
        adds: false,
    }
}

impl Hook {
    const fn shows(self, shows: &'static [Stage]) -> Self {
        Self { shows, ..self }
    }

    const fn tells(self, what: &'static str) -> Self {
        Self {
            tells: Some(what),
            ..self
        }
    }

    const fn only(self, kind: HookKind) -> Self {
        Self {
            only: Some(kind),
            ..self
        }
    }

    const fn waits(self) -> Self {
        Self {
            waits: true,
            ..self
        }
    }

    const fn adds(self) -> Self {
        Self { adds: true, ..self }
    }

    /// Whether it is useful among hooks of this kind.
    pub(super) fn fits(&self, kind: HookKind) -> bool {
        self.only.is_none_or(|only| only == kind)
    }

    /// Whether every message that the kernel replies to passes it.
    pub(super) const fn is_passed(&self) -> bool {
        !self.shows.is_empty()
    }

    /// Its display name.
    pub(super) fn name(&self, kind: HookKind) -> String {
        let way = match (self.way, kind) {
            (Way::Raw, _) => "raw_tp",
            (Way::Tracepoint, _) | (_, HookKind::Tracepoint) => "tp_btf",
            (Way::Entry, HookKind::Fentry) => "fentry",
            (Way::Exit, HookKind::Fentry) => "fexit",
            (Way::Entry, HookKind::Kprobe) => "kprobe",
            (Way::Exit, HookKind::Kprobe) => "kretprobe",
        };
        format!("{way}:{}", self.function)
    }

    /// The program of this kind, whose name derives from the first.
    pub(super) fn program(&self, kind: HookKind) -> String {
        match (self.way, kind) {
            (Way::Entry, HookKind::Kprobe) => format!("{}_kprobe", self.program),
            (Way::Exit, HookKind::Kprobe) => format!("{}_kretprobe", self.program),
            _ => self.program.to_owned(),
        }
    }
}

/// The functions that programs may be attached to.
pub fn functions() -> impl Iterator<Item = &'static str> {
    let hooks = FUNCTIONS.iter().filter(|hook| hook.way != Way::Raw);
    hooks.map(|hook| hook.function)
}
