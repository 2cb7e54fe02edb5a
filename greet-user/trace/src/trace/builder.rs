// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to trace.

use std::process::Command;

use greet_common::Stage;

use super::{Ended, Trace, TraceError};
use crate::{
    journey::Journey,
    kernel::btf::Btf,
    tracer::{Callbacks, Filter, Hooks, Plan, Tasks, Tracer, buffer_size},
};

/// Number of netlink protocols (`MAX_LINKS`, `include/uapi/linux/netlink.h`).
const PROTOCOLS: u32 = 32;

/// What to trace. All filters are applied in the kernel; several of them must all match.
#[derive(Debug)]
pub struct TraceBuilder {
    protocols: Vec<u32>,
    filter: Filter,
    plan: Plan,
    command: Option<Command>,
    types: Option<Btf>,
}

impl Default for TraceBuilder {
    fn default() -> Self {
        Self {
            protocols: Vec::new(),
            filter: Filter::default(),
            plan: Plan {
                buffer: buffer_size(),
                ..Plan::default()
            },
            command: None,
            types: None,
        }
    }
}

impl TraceBuilder {
    /// Only this netlink protocol, e.g. 0 for `NETLINK_ROUTE`. May be repeated.
    #[must_use]
    pub fn protocol(mut self, protocol: u32) -> Self {
        self.protocols.push(protocol);
        self
    }

    /// Only the traffic of this process, by its ID.
    #[must_use]
    pub const fn process(mut self, pid: u32) -> Self {
        self.filter.tasks = Tasks::Process(pid);
        self
    }

    /// Only the traffic of threads with this name, as `/proc/PID/comm` has it (at most 15 bytes).
    #[must_use]
    pub fn comm(mut self, comm: impl Into<String>) -> Self {
        self.filter.comm = Some(comm.into());
        self
    }

    /// Only messages from or to this port ID.
    #[must_use]
    pub const fn port(mut self, portid: u32) -> Self {
        self.filter.port = Some(portid);
        self
    }

    /// Only this network namespace, by the inode number of `/proc/PID/ns/net`.
    #[must_use]
    pub const fn netns(mut self, inode: u32) -> Self {
        self.filter.netns = Some(inode);
        self
    }

    /// Starts this command once everything is attached, and traces only it and its descendants. The
    /// trace ends with it; it does not wait for descendants.
    #[must_use]
    pub fn command(mut self, command: Command) -> Self {
        self.filter.tasks = Tasks::Command;
        self.plan.family = true;
        self.command = Some(command);
        self
    }

    /// Only these stages, at a lower cost. All nine by default.
    #[must_use]
    pub fn stages(mut self, stages: impl IntoIterator<Item = Stage>) -> Self {
        self.plan.stages = stages.into_iter().collect();
        self
    }

    /// The kind of hooks. By default, the cheapest that works here.
    #[must_use]
    pub const fn hooks(mut self, hooks: Hooks) -> Self {
        self.plan.hooks = hooks;
        self
    }

    /// The receive callbacks whose start and end are stages of their own. By default, those of
    /// modules.
    #[must_use]
    pub fn callbacks(mut self, callbacks: Callbacks) -> Self {
        self.plan.callbacks = callbacks;
        self
    }

    /// Only times and counts, at the lowest cost: no message has its bytes.
    #[must_use]
    pub const fn summary(mut self) -> Self {
        self.filter.summary = true;
        self.filter.snaplen = 0;
        self.plan.summary = true;
        self
    }

    /// The kernel's types, if they are not those of `/sys/kernel/btf/vmlinux`.
    #[must_use]
    pub fn types(mut self, types: Btf) -> Self {
        self.types = Some(types);
        self
    }

    /// How many bytes of each message to copy; 0 for none.
    #[must_use]
    pub const fn snaplen(mut self, bytes: u32) -> Self {
        self.filter.snaplen = bytes;
        self
    }

    /// Size of the kernel's ring buffer in bytes: a power of two, at least a page. What finds no
    /// room in it is counted ([`Trace::unseen`]) and lost.
    #[must_use]
    pub const fn buffer(mut self, bytes: u32) -> Self {
        self.plan.buffer = bytes;
        self
    }

    /// Attaches, and starts the command if there is one. Must be called in a tokio runtime with I/O
    /// enabled.
    ///
    /// # Errors
    /// [`TraceError`]: one sentence with the next step. Nothing is attached in that case.
    pub fn start(self) -> Result<Trace, TraceError> {
        let mut filter = self.filter;
        filter.protocols = bits(&self.protocols)?;
        let mut tracer = match self.types {
            Some(types) => Tracer::attach_to(&filter, &self.plan, types)?,
            None => Tracer::attach(&filter, &self.plan)?,
        };
        let watched = tracer.attached().watched(self.plan.deliveries());
        let command = match self.command {
            Some(command) => {
                let name = command.get_program().to_string_lossy().into_owned();
                let mut command = tokio::process::Command::from(command);
                let started = tracer.follow(|| command.spawn())?;
                Some(started.map_err(|error| TraceError::Command { name, error })?)
            }
            None => None,
        };
        Ok(Trace {
            tracer,
            journey: Journey::watching(watched),
            ended: Ended::default(),
            command,
            missed: None,
        })
    }
}

/// The protocols, one bit each; all if none is named.
fn bits(protocols: &[u32]) -> Result<u32, TraceError> {
    if let Some(unknown) = protocols.iter().find(|protocol| **protocol >= PROTOCOLS) {
        return Err(TraceError::Protocol(*unknown));
    }
    Ok(match protocols {
        [] => u32::MAX,
        named => named.iter().fold(0, |bits, protocol| bits | 1 << protocol),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_add_up_and_the_unknown_is_refused() {
        assert_eq!(bits(&[]).expect("all"), u32::MAX);
        assert_eq!(bits(&[0, 31, 0]).expect("two"), 1 << 31 | 1);
        let error = bits(&[0, 32]).expect_err("there is no such protocol");
        assert_eq!(
            error.to_string(),
            "no netlink protocol 32: they are numbered 0 to 31"
        );
    }
}
