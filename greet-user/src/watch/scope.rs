// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was asked for becomes what is attached, and what the programs look at.

use std::collections::BTreeSet;

use greet_common::{
    Stage,
    event::{CAPTURE, SNAPLEN_MAX},
    wire::HEADER_SIZE,
};

use super::buffer_size;
use crate::{
    cli::Scope,
    tracer::{Callbacks, Filter, Plan, Tasks},
};

/// How much of each message is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Counts and times, which the kernel's side puts together.
    Counted,
    /// What its header and an error tell.
    Header,
    /// Its beginning.
    Beginning,
    /// All of it, as a capture is expected to have it.
    RoundTrip,
}

/// What is looked at, with so much of each message unless `--snaplen` says how much.
pub(crate) fn filter(options: &Scope, detail: Detail) -> Filter {
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
            Self::RoundTrip => SNAPLEN_MAX,
        }) as u32
    }
}

/// What is attached.
pub(crate) fn plan(options: &Scope, detail: Detail) -> Plan {
    let stages: BTreeSet<_> = options.stages.iter().copied().collect();
    // Nobody who does not ask for it pays for the kernel's own callbacks.
    let built_in = [Stage::Handle, Stage::Handled]
        .iter()
        .any(|stage| stages.contains(stage));
    Plan {
        callbacks: match options.callback.as_slice() {
            [] => Callbacks::Found { built_in },
            named => Callbacks::Named(named.to_vec()),
        },
        hooks: options.hooks,
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
