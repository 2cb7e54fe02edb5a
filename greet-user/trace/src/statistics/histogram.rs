// SPDX-License-Identifier: MIT OR Apache-2.0
//! How durations are distributed: a few bins with round bounds.

use super::{Durations, greatest};

/// About how many bins there are.
const WANTED: u64 = 6;

/// The number of durations from `from` (inclusive) to `to` (exclusive), in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Its lower bound, inclusive.
    pub from: u64,
    /// Its upper bound, exclusive.
    pub to: u64,
    /// How many there are.
    pub count: u64,
}

impl Durations {
    /// Bins from the least to the greatest. They are of equal width if the greatest is less than
    /// ten times the least; otherwise each is about twice as wide as the previous one, so that a
    /// few very long durations do not hide the distribution of the rest.
    #[must_use]
    pub fn histogram(&self) -> Vec<Bin> {
        if self.count == 0 {
            return Vec::new();
        }
        let borders = if self.max / 10 < self.min {
            equal(self.min, self.max)
        } else {
            growing(self.min, self.max)
        };
        let bins = borders.windows(2).map(|pair| Bin {
            from: pair[0],
            to: pair[1],
            count: 0,
        });
        let mut bins: Vec<_> = bins.collect();
        let filled = self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0);
        for (step, count) in filled {
            let value = greatest(step).clamp(self.min, self.max);
            let at = bins.partition_point(|bin| bin.to <= value);
            if let Some(bin) = bins.get_mut(at) {
                bin.count += count;
            }
        }
        bins
    }
}

/// How many steps make one narrow bin.
const NARROW: usize = 8;

impl Durations {
    /// The non-empty bins, each at most 1/16 of its least number wide.
    #[must_use]
    pub fn fine(&self) -> Vec<Bin> {
        let groups = self.counts.chunks(NARROW).enumerate();
        let bins = groups.filter_map(|(at, counts)| {
            let first = at * NARROW;
            let count = counts.iter().sum();
            (count > 0).then(|| Bin {
                from: first.checked_sub(1).map_or(0, |step| greatest(step) + 1),
                to: greatest(first + NARROW - 1).saturating_add(1),
                count,
            })
        });
        bins.collect()
    }
}

/// Round bounds at equal distances.
fn equal(min: u64, max: u64) -> Vec<u64> {
    let width = round((max - min) / WANTED);
    let mut border = min / width * width;
    let mut borders = vec![border];
    while border <= max && border != u64::MAX {
        border = border.saturating_add(width);
        borders.push(border);
    }
    borders
}

/// 1, 2, 5, 10, 20, 50 and so on.
fn growing(min: u64, max: u64) -> Vec<u64> {
    let mut borders = Vec::new();
    let all = (0..20).flat_map(|power| {
        [1, 2, 5].map(|digit: u64| digit.saturating_mul(10_u64.pow(power.min(19))))
    });
    let all = std::iter::once(0).chain(all).chain([u64::MAX]);
    for border in all {
        if border <= min {
            borders.clear();
        }
        if borders.last() != Some(&border) {
            borders.push(border);
        }
        if border > max {
            break;
        }
    }
    borders
}

/// The least of 1, 2, 5, 10 … that is not below the number.
fn round(number: u64) -> u64 {
    let powers = (0..20_u32).map(|power| 10_u64.saturating_pow(power));
    let all = powers.flat_map(|power| [power, power.saturating_mul(2), power.saturating_mul(5)]);
    all.into_iter()
        .find(|round| *round >= number)
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(durations: impl IntoIterator<Item = u64>) -> Vec<Bin> {
        let mut all = Durations::default();
        durations.into_iter().for_each(|ns| all.push(ns));
        all.histogram()
    }

    #[test]
    fn bins_have_round_borders() {
        let bins = of([5_100_000, 5_200_000, 6_900_000, 8_300_000]);
        let shown: Vec<_> = bins
            .iter()
            .map(|bin| (bin.from, bin.to, bin.count))
            .collect();
        assert_eq!(
            shown,
            [
                (5_000_000, 6_000_000, 2),
                (6_000_000, 7_000_000, 1),
                (7_000_000, 8_000_000, 0),
                (8_000_000, 9_000_000, 1)
            ]
        );
        let bins = of([900, 1_100, 1_200, 60_000]);
        let shown: Vec<_> = bins.iter().map(|bin| (bin.to, bin.count)).collect();
        assert_eq!(
            shown,
            [
                (1_000, 1),
                (2_000, 2),
                (5_000, 0),
                (10_000, 0),
                (20_000, 0),
                (50_000, 0),
                (100_000, 1)
            ]
        );
        assert_eq!(of([]), []);
    }

    proptest::proptest! {
        #[test]
        fn each_duration_is_in_one_bin(durations in proptest::collection::vec(proptest::num::u64::ANY, 1..50)) {
            let bins = of(durations.clone());
            let counted: u64 = bins.iter().map(|bin| bin.count).sum();
            // The greatest of all numbers has no bound above it.
            let missing = durations.iter().filter(|ns| **ns == u64::MAX).count();
            proptest::prop_assert!(counted + missing as u64 >= durations.len() as u64);
            proptest::prop_assert!(bins.windows(2).all(|pair| pair[0].to == pair[1].from));
            proptest::prop_assert!(bins.len() <= 70, "{}", bins.len());
        }

        #[test]
        fn each_duration_is_in_one_narrow_bin(durations in proptest::collection::vec(proptest::num::u64::ANY, 1..50)) {
            let mut all = Durations::default();
            durations.iter().for_each(|ns| all.push(*ns));
            let bins = all.fine();
            let counted: u64 = bins.iter().map(|bin| bin.count).sum();
            proptest::prop_assert_eq!(counted, durations.len() as u64);
            for ns in durations {
                let holds = |bin: &Bin| (bin.from..bin.to).contains(&ns) || ns == u64::MAX;
                proptest::prop_assert!(bins.iter().any(holds), "{ns}");
            }
            let is_narrow = |bin: &Bin| bin.to - bin.from <= (bin.from / 16).max(8);
            proptest::prop_assert!(bins.iter().all(is_narrow), "{bins:?}");
        }

        #[test]
        fn near_ones_have_few_bins(min in 1_u64..1_000_000_000, more in 0_u64..1_000) {
            let bins = of([min, min + min * more / 1_000]);
            proptest::prop_assert!(bins.len() <= 8, "{bins:?}");
        }
    }
}
