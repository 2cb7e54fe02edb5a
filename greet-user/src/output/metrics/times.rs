// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters and histograms with one writer, the tracing thread, and any number of readers, the
//! scrapes. The writer never waits, and takes no bus lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Upper bucket bounds, ns: fine in the range of a netlink exchange (half a microsecond for a copy,
/// up to half a millisecond for a whole exchange), and half a decade each from a millisecond on
/// (dumps, late readers).
pub(super) const BORDERS: [u64; 19] = [
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    3_000_000,
    10_000_000,
    30_000_000,
    100_000_000,
    300_000_000,
    1_000_000_000,
    3_000_000_000,
    10_000_000_000,
];

/// Only increases. Only one thread adds to it.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Adds `more`.
    pub(super) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }

    /// Sets it to a count kept elsewhere.
    pub(super) fn set(&self, count: u64) {
        self.0.store(count, Relaxed);
    }

    /// The count.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A distribution of durations. The last bucket has no upper bound.
#[derive(Debug, Default)]
pub(super) struct Times {
    buckets: [Counter; BORDERS.len() + 1],
    sum_ns: Counter,
}

impl Times {
    /// Adds a duration.
    pub(super) fn observe(&self, duration_ns: u64) {
        let bucket = BORDERS.partition_point(|border| *border < duration_ns);
        self.buckets[bucket].add(1);
        self.sum_ns.add(duration_ns);
    }

    /// The upper bound of each bucket in seconds, and its count, not cumulative.
    pub(super) fn buckets(&self) -> [(f64, u64); BORDERS.len() + 1] {
        std::array::from_fn(|at| {
            let border = BORDERS.get(at).map_or(f64::INFINITY, |ns| seconds(*ns));
            (border, self.buckets[at].get())
        })
    }

    /// The sum of all durations, s.
    pub(super) fn sum(&self) -> f64 {
        seconds(self.sum_ns.get())
    }
}

/// Nanoseconds in seconds, Prometheus' unit.
#[expect(
    clippy::cast_precision_loss,
    reason = "beyond 2^53 ns, 104 days, a sum of times has more digits than mean anything"
)]
pub(super) fn seconds(ns: u64) -> f64 {
    // A division is rounded once, so the bounds are the numbers that people write.
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_belongs_to_the_bucket_below_it() {
        let times = Times::default();
        for ns in [0, 500, 501, 10_000_000_000, 10_000_000_001, u64::MAX >> 1] {
            times.observe(ns);
        }
        let filled: Vec<_> = times
            .buckets()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(
            filled,
            [(5e-7, 2), (1e-6, 1), (10.0, 1), (f64::INFINITY, 2)]
        );
    }

    #[test]
    fn borders_go_up() {
        assert!(BORDERS.is_sorted_by(|one, next| one < next));
    }
}
