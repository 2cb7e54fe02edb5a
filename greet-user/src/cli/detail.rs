// SPDX-License-Identifier: MIT OR Apache-2.0
//! Translates the options into what is attached, and what the programs watch.

use std::collections::BTreeSet;

use greet_common::{
    Stage,
    event::{CAPTURE, SNAPLEN_MAX},
    wire::HEADER_SIZE,
};
use greet_trace::tracer::{Callbacks, Filter, Plan, Tasks, buffer_size};

use super::Scope;
use crate::watch::{Output, Program, Watch};

/// How much of each message is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Counts and times, which the eBPF programs aggregate.
    Counted,
    /// What its header and an error code contain.
    Header,
    /// Its beginning.
    Beginning,
    /// All of it, as expected of a capture.
    Full,
}

/// The filter, with this much of each message unless `--snaplen` overrides it.
fn filter(options: &Scope, detail: Detail) -> Filter {
    let asked = options.protocols.iter();
    let protocols = asked.fold(0, |all, protocol| all | 1_u32 << (protocol & 31));
    Filter {
        protocols: if options.protocols.is_empty() {
            u32::MAX
        } else {
            protocols
        },
        tasks: match options.pid {
            _ if !options.command.is_empty() => Tasks::Command,
            Some(pid) => Tasks::Process(pid),
            None => Tasks::Any,
        },
        netns: options.netns.0,
        port: options.port,
        comm: options.comm.clone(),
        process: options.process.clone(),
        snaplen: match options.snaplen {
            Some(snaplen) if detail != Detail::Counted => snaplen,
            _ => detail.bytes(),
        },
        summary: detail == Detail::Counted,
        early: false,
    }
}

impl Detail {
    const fn bytes(self) -> u32 {
        (match self {
            Self::Counted => 0,
            Self::Header => HEADER_SIZE + size_of::<i32>(),
            Self::Beginning => CAPTURE,
            Self::Full => SNAPLEN_MAX,
        }) as u32
    }
}

/// The plan.
fn plan(options: &Scope, detail: Detail) -> Plan {
    let stages: BTreeSet<_> = options.stages.iter().copied().collect();
    // Only those who ask for the kernel's own callbacks pay for them.
    let built_in = [Stage::Handle, Stage::Handled]
        .iter()
        .any(|stage| stages.contains(stage));
    Plan {
        callbacks: match options.callback.as_slice() {
            [] => Callbacks::Found { built_in },
            named => Callbacks::Named(named.to_vec()),
        },
        hooks: options.hooks.into(),
        stages: if stages.is_empty() {
            Stage::ALL.into()
        } else {
            stages
        },
        summary: detail == Detail::Counted,
        family: !options.command.is_empty(),
        buffer: buffer_size(),
    }
}

impl Scope {
    /// What to watch, with this much of each message, and where the command's output goes.
    pub(super) fn watch(&self, detail: Detail, output: Output) -> Watch {
        let command = self.command.split_first();
        Watch {
            filter: filter(self, detail),
            plan: plan(self, detail),
            command: command.map(|(name, arguments)| Program {
                name: name.clone(),
                arguments: arguments.to_vec(),
                output,
            }),
        }
    }
}
