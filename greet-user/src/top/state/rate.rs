// SPDX-License-Identifier: MIT OR Apache-2.0
//! How often something happens: counts of the last seconds, in a ring.

/// Length of a slot, ns.
const SLOT_NS: u64 = 250_000_000;
/// Slots per second.
const SECOND: u64 = 4;
/// Slots in the ring: what the trend shows, and the one being filled.
const SLOTS: usize = (TREND as u64 * SECOND + SECOND) as usize;
/// Seconds that a trend shows.
pub const TREND: usize = 12;

/// Counts of the last seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    slots: [u32; SLOTS],
    /// Number of the newest slot.
    newest: u64,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            slots: [0; SLOTS],
            newest: 0,
        }
    }
}

impl Rate {
    /// Adds `count` at this time. What is too old for the ring counts in no rate.
    pub fn add(&mut self, time_ns: u64, count: u32) {
        let slot = time_ns / SLOT_NS;
        if slot > self.newest {
            let new = (slot - self.newest).min(SLOTS as u64);
            for gone in 0..new {
                self.slots[index(slot - gone)] = 0;
            }
            self.newest = slot;
        }
        if self.newest - slot < SLOTS as u64 {
            let count_of = &mut self.slots[index(slot)];
            *count_of = count_of.saturating_add(count);
        }
    }

    /// Adds the counts of another.
    pub(super) fn absorb(&mut self, other: &Self) {
        for slot in other.newest.saturating_sub(SLOTS as u64 - 1)..=other.newest {
            self.add(slot * SLOT_NS, other.of(slot));
        }
    }

    fn of(&self, slot: u64) -> u32 {
        let is_known = slot <= self.newest && self.newest - slot < SLOTS as u64;
        if is_known { self.slots[index(slot)] } else { 0 }
    }

    /// How many there were in the second before `now_ns`, with a share of the slot in which that
    /// second starts.
    #[must_use]
    pub fn per_second(&self, now_ns: u64) -> u64 {
        let slot = now_ns / SLOT_NS;
        let whole = |back: u64| slot.checked_sub(back).map_or(0, |slot| self.of(slot));
        let full: u64 = (0..SECOND).map(|back| u64::from(whole(back))).sum();
        let rest = SLOT_NS - now_ns % SLOT_NS;
        full + (u64::from(whole(SECOND)) * rest + SLOT_NS / 2) / SLOT_NS
    }

    /// How many there were in each of the last seconds, oldest first.
    #[must_use]
    pub fn trend(&self, now_ns: u64) -> [u32; TREND] {
        let slot = now_ns / SLOT_NS;
        std::array::from_fn(|at| {
            let back = (TREND - at) as u64 * SECOND;
            let first = slot.checked_sub(back - 1);
            first.map_or(0, |first| {
                (first..first + SECOND).map(|slot| self.of(slot)).sum()
            })
        })
    }

    /// Does the ring hold nothing but zeros at this time?
    #[must_use]
    pub const fn is_quiet(&self, now_ns: u64) -> bool {
        now_ns / SLOT_NS >= self.newest + SLOTS as u64
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a remainder of the ring's length"
)]
const fn index(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    #[test]
    fn a_steady_rate_is_told_at_any_moment() {
        let mut rate = Rate::default();
        for ms in 0..20_000 {
            rate.add(ms * 1_000_000, 5);
        }
        for now in [19_000, 19_100, 19_250, 19_333, 19_999] {
            let found = rate.per_second(now * 1_000_000);
            assert!((4_990..=6_250).contains(&found), "{now}: {found}");
        }
        let trend = rate.trend(20 * SECOND_NS - 1);
        assert_eq!(trend, [5_000; TREND]);
    }

    #[test]
    fn what_is_over_is_in_no_rate() {
        let mut rate = Rate::default();
        rate.add(SECOND_NS, 7);
        assert_eq!(rate.per_second(SECOND_NS), 7);
        assert_eq!(rate.per_second(3 * SECOND_NS), 0);
        assert_eq!(rate.trend(3 * SECOND_NS)[TREND - 2..], [0, 0]);
        assert_eq!(rate.trend(3 * SECOND_NS).iter().sum::<u32>(), 7);
        assert!(rate.is_quiet(100 * SECOND_NS) && !rate.is_quiet(2 * SECOND_NS));
        rate.add(100 * SECOND_NS, 1);
        rate.add(2 * SECOND_NS, 9);
        assert_eq!(rate.trend(100 * SECOND_NS).iter().sum::<u32>(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_time_is_too_strange(times in proptest::collection::vec(proptest::num::u64::ANY, 1..20), now: u64) {
            let mut rate = Rate::default();
            times.iter().for_each(|time_ns| rate.add(*time_ns, u32::MAX));
            if rate.is_quiet(now) {
                proptest::prop_assert_eq!(rate.per_second(now), 0);
            }
        }
    }
}
