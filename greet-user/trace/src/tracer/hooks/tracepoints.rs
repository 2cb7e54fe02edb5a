// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configures the programs on tracepoints, and reports what they cannot show.

use aya::maps::Array;
use greet_common::{Stage, call::TracepointConfig};
use rustix::thread::{CapabilitySet, capabilities};

use super::{
    Attaching,
    table::{REASONS, UNSEEN_BY_TRACEPOINTS},
};
use crate::kernel::{TracerError, checks::function_range};

/// The function that runs while a process sends.
const SENDMSG: &str = "netlink_sendmsg";

/// Why only tracepoints are left, if something else was tried.
pub(super) fn why(errors: &[TracerError]) -> Option<String> {
    let mut why: Vec<_> = errors.iter().map(ToString::to_string).collect();
    why.dedup();
    let why = why.join("; ");
    (!errors.is_empty()).then(|| format!("only tracepoints can be attached here: {why}"))
}

/// What hides the addresses of the kernel's functions.
fn hidden_by() -> &'static str {
    let held = capabilities(None).map(|sets| sets.effective);
    if held.is_ok_and(|held| held.contains(CapabilitySet::SYSLOG)) {
        "kernel.kptr_restrict"
    } else {
        "addresses need CAP_SYSLOG"
    }
}

impl Attaching<'_> {
    /// Configures how the programs recognize the stack of a call, and whether the ends of calls are
    /// reported; records what cannot be seen in any case. Returns whether the ends of requests are
    /// reported.
    pub(super) fn configure_tracepoints(&mut self) -> Result<bool, TracerError> {
        let is_there = |name: &str| self.hooks.iter().any(|one| one.name == name);
        let ends_sent = is_there("tp_btf:sock_send_length");
        let mut config = TracepointConfig {
            reads: self.plan.deliveries().into(),
            delivered: is_there("tp_btf:sock_recv_length").into(),
            forgets: (self.plan.stages.contains(&Stage::Queue)
                && is_there("tp_btf:skb_copy_datagram_iovec"))
            .into(),
            ..TracepointConfig::default()
        };
        if ends_sent {
            match function_range(SENDMSG)? {
                Some((start, end)) => {
                    config.sendmsg_start = start;
                    config.sendmsg_end = end;
                }
                None => {
                    // An extended ACK is matched to its request in the same way.
                    let cause = hidden_by();
                    let why = format!("the address of `{SENDMSG}` is hidden: {cause}");
                    let what = ["which request a reply belongs to", REASONS];
                    self.unseen.things(self.plan, &[], what, why);
                }
            }
        }
        let map = self.programs.aya().map_mut("TRACEPOINT_CONFIG");
        let map =
            map.ok_or_else(|| TracerError::setup("the object has no map TRACEPOINT_CONFIG"))?;
        let mut map = Array::<_, [u64; 5]>::try_from(map).map_err(TracerError::setup)?;
        let value = [
            config.sendmsg_start,
            config.sendmsg_end,
            config.reads,
            config.delivered,
            config.forgets,
        ];
        map.set(0, value, 0).map_err(TracerError::setup)?;
        let asked = self.plan.stages.contains(&Stage::Sent);
        let others = asked.then_some("the content and destination of requests");
        let others = others.into_iter().chain(["lost messages"]);
        let why = "no tracepoint shows it".to_owned();
        self.unseen
            .things(self.plan, &UNSEEN_BY_TRACEPOINTS, others, why);
        Ok(ends_sent)
    }
}
