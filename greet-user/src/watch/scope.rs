// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was asked for becomes what is attached, and what the programs look at.

use std::collections::BTreeSet;

use greet_common::{
    Stage,
    event::{CAPTURE, SNAPLEN_MAX},
};

use super::BUFFER;
use crate::{
    cli::Scope,
    tracer::{Callbacks, Filter, Plan, Tasks},
};

/// What is looked at, in a summary or with whole messages for a capture.
pub(crate) fn filter(options: &Scope, summary: bool, whole: bool) -> Filter {
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
        snaplen: match options.snaplen {
            _ if summary => 0,
            Some(snaplen) => snaplen,
            // A capture is expected to be whole.
            None if whole => SNAPLEN_MAX as u32,
            None => CAPTURE as u32,
        },
        summary,
    }
}

/// What is attached.
pub(crate) fn plan(options: &Scope, summary: bool) -> Plan {
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
        summary,
        family: !options.command.is_empty(),
        buffer: BUFFER,
    }
}
