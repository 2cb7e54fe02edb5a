// SPDX-License-Identifier: MIT OR Apache-2.0
//! Trace and span IDs. The same exchange of the same run always has the same ones, whether sent
//! live or from its recording, once or twice; otherwise they are as good as random, so that a
//! collector may sample by them.

use opentelemetry::trace::{SpanId, TraceId};

/// Makes the IDs of one exchange.
pub(super) struct Ids {
    trace: [u64; 2],
}

impl Ids {
    /// What identifies the exchange: when its machine booted, when the exchange started in ns since
    /// boot, its network namespace, and its number in the run.
    pub(super) fn of(boot_ns: u64, begin_ns: u64, netns: u32, number: u64) -> Self {
        let mut state = 0;
        for word in [boot_ns, begin_ns, u64::from(netns), number] {
            state = mixed(state ^ word);
        }
        Self {
            trace: [mixed(state ^ 1), mixed(state ^ 2)],
        }
    }

    /// The trace ID.
    pub(super) fn trace(&self) -> TraceId {
        let [high, low] = self.trace.map(u128::from);
        TraceId::from((high << 64 | low).max(1))
    }

    /// The ID of the span with this number.
    pub(super) fn span(&self, number: u64) -> SpanId {
        let id = mixed(self.trace[0] ^ mixed(self.trace[1].wrapping_add(number)));
        SpanId::from(id.max(1))
    }
}

/// One step of splitmix64: every bit of the result depends on every bit of the number.
const fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_are_the_same() {
        let mut traces = BTreeSet::new();
        let mut spans = BTreeSet::new();
        for number in 0..10_000 {
            let ids = Ids::of(1, 2, 3, number);
            traces.insert(ids.trace().to_bytes());
            spans.extend((0..9).map(|span| ids.span(span).to_bytes()));
        }
        assert_eq!((traces.len(), spans.len()), (10_000, 90_000));
        assert_eq!(Ids::of(1, 2, 3, 4).trace(), Ids::of(1, 2, 3, 4).trace());
        assert_ne!(Ids::of(1, 2, 3, 4).trace(), Ids::of(2, 2, 3, 4).trace());
    }
}
