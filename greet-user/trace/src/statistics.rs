// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the closing summary says about a set of durations.

mod histogram;

pub use histogram::Bin;

use serde::Serialize;

use crate::journey::{Exchange, FIRST_REPLY};

/// Steps within a power of two: a rank is off by less than one in this many.
const STEPS: u64 = 128;
/// Rows of steps: one for all numbers below [`STEPS`], one for each power of two from there.
const ROWS: usize = 64 - STEPS.ilog2() as usize + 1;

/// Durations in ns, counted in steps of less than 1 % (exactly below 256 ns): however long it runs,
/// it takes 58 KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    counts: Box<[u64]>,
    min: u64,
    max: u64,
    count: u64,
    sum: u128,
    squares: u128,
}

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
    /// Standard deviation, like ping's mdev; not part of the JSON summary.
    #[serde(skip)]
    pub mdev: u64,
    /// How many there are.
    pub count: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            counts: vec![0; ROWS * usize::try_from(STEPS).unwrap_or(0)].into(),
            min: u64::MAX,
            max: 0,
            count: 0,
            sum: 0,
            squares: 0,
        }
    }
}

impl Durations {
    /// Adds one.
    pub fn push(&mut self, duration_ns: u64) {
        self.counts[step(duration_ns)] += 1;
        self.min = self.min.min(duration_ns);
        self.max = self.max.max(duration_ns);
        self.count += 1;
        let wide = u128::from(duration_ns);
        self.sum += wide;
        self.squares = self.squares.saturating_add(wide * wide);
    }

    /// The distribution; `None` if there are none.
    #[must_use]
    pub fn distribution(&self) -> Option<Distribution> {
        let count = u128::from(self.count);
        let mean = self.sum.checked_div(count)?;
        Some(Distribution {
            min: self.min,
            p50: self.rank(50),
            p90: self.rank(90),
            p99: self.rank(99),
            max: self.max,
            mean: narrow(mean),
            mdev: self.deviation(),
            count: self.count,
        })
    }

    /// The standard deviation, rounded down.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a deviation has few digits that mean anything; a cast to u64 saturates"
    )]
    fn deviation(&self) -> u64 {
        let count = self.count as f64;
        let mean = self.sum as f64 / count;
        (self.squares as f64 / count - mean * mean).max(0.0).sqrt() as u64
    }

    /// The nearest rank: the least step that this percentage of the durations does not exceed.
    fn rank(&self, percent: u64) -> u64 {
        let wanted = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        at.map_or(self.max, greatest).clamp(self.min, self.max)
    }
}

/// The step that a number falls into.
fn step(number: u64) -> usize {
    let row = (number / STEPS).checked_ilog2().map_or(0, u64::from);
    // Row 0 has the numbers below twice `STEPS`; the other rows use their upper half.
    let index = row * STEPS + (number >> row);
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The greatest number of a step.
fn greatest(step: usize) -> u64 {
    let step = step as u64;
    let row = (step / STEPS).saturating_sub(1);
    let first = (step - row * STEPS) << row;
    first + ((1 << row) - 1)
}

/// The named spans of many exchanges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<(&'static str, Durations)>);

impl Spans {
    /// Adds those of an exchange.
    pub fn count(&mut self, exchange: &Exchange) {
        for (name, span) in exchange.spans() {
            let at = self.0.iter().position(|(known, _)| *known == name);
            let at = at.unwrap_or_else(|| {
                self.0.push((name, Durations::default()));
                self.0.len() - 1
            });
            self.0[at].1.push(span);
        }
    }

    /// Each span, in the order in which they first occurred.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Durations)> {
        self.0.iter().map(|(name, times)| (*name, times))
    }

    /// The distribution of the times to the first reply.
    #[must_use]
    pub fn totals(&self) -> Vec<Bin> {
        let total = self.0.iter().find(|(name, _)| *name == FIRST_REPLY);
        total.map_or_else(Vec::new, |(_, times)| times.histogram())
    }

    /// Their distributions, in the order in which the spans first occurred.
    #[must_use]
    pub fn distributions(&self) -> Vec<(&'static str, Distribution)> {
        let found = self.0.iter();
        found
            .filter_map(|(name, times)| Some((*name, times.distribution()?)))
            .collect()
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
        let mut all = Durations::default();
        durations
            .into_iter()
            .for_each(|duration| all.push(duration));
        all.distribution()
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

    proptest::proptest! {
        #[test]
        fn a_rank_is_off_by_less_than_one_per_cent(number: u64) {
            let found = greatest(step(number));
            proptest::prop_assert!(found >= number && found - number <= number / STEPS);
        }
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
