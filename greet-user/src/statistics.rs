// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the closing summary says about a number of durations.

use serde::Serialize;

/// Durations in ns, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations(Vec<u64>);

/// Their distribution, in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Distribution {
    /// The least.
    pub min: u64,
    /// Half are at most this.
    pub p50: u64,
    /// 90 % are at most this.
    pub p90: u64,
    /// 99 % are at most this.
    pub p99: u64,
    /// The greatest.
    pub max: u64,
    /// The arithmetic mean, rounded down.
    pub mean: u64,
    /// Standard deviation, as ping's mdev; not part of the JSON summary.
    #[serde(skip)]
    pub mdev: u64,
    /// How many there are.
    pub count: u64,
}

impl Durations {
    /// Adds one.
    pub fn push(&mut self, duration_ns: u64) {
        self.0.push(duration_ns);
    }

    /// The distribution; `None` where there are none.
    #[must_use]
    pub fn distribution(&self) -> Option<Distribution> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        // The nearest rank: the least value that this many per cent do not exceed.
        let rank = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100) - 1];
        let count = sorted.len() as u128;
        let mean = sorted.iter().map(|&ns| u128::from(ns)).sum::<u128>() / count;
        let squares = sorted
            .iter()
            .map(|&ns| u128::from(ns).abs_diff(mean).pow(2));
        let variance = squares.sum::<u128>() / count;
        Some(Distribution {
            min,
            p50: rank(50),
            p90: rank(90),
            p99: rank(99),
            max,
            mean: narrow(mean),
            mdev: narrow(variance.isqrt()),
            count: narrow(count),
        })
    }
}

/// A mean of 64-bit numbers, and their deviation, fit into 64 bits.
fn narrow(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(durations: impl IntoIterator<Item = u64>) -> Option<Distribution> {
        Durations(durations.into_iter().collect()).distribution()
    }

    #[test]
    fn nothing_has_no_distribution() {
        assert_eq!(of([]), None);
    }

    #[test]
    fn ranks_are_values_that_occurred() {
        let found = of((1..=100).rev()).expect("there are values");
        assert_eq!(
            (found.min, found.p50, found.p90, found.p99, found.max),
            (1, 50, 90, 99, 100)
        );
        assert_eq!((found.mean, found.count, found.mdev), (50, 100, 28));
    }

    #[test]
    fn one_value_is_all_of_them() {
        let found = of([u64::MAX]).expect("there is a value");
        assert_eq!(
            (found.min, found.p99, found.mean, found.mdev),
            (u64::MAX, u64::MAX, u64::MAX, 0)
        );
    }
}
