// SPDX-License-Identifier: MIT OR Apache-2.0
//! Earlier states of the table, to step back to.

use std::{collections::VecDeque, rc::Rc};

use super::{conversation::Row, model::Totals};

/// Limit on the number of states kept.
pub const MOST: usize = 600;

/// The table at one time.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Its rows, unordered.
    pub rows: Vec<Rc<Row>>,
    /// The totals of all of them.
    pub totals: Totals,
}

/// Retention: what happens to earlier states when there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fading {
    /// The oldest is discarded: of a live run, the last minutes count.
    Oldest,
    /// Every second one is discarded, and the interval doubles: all of a recording can be viewed.
    EverySecond,
}

/// Earlier states, oldest first.
#[derive(Debug)]
pub struct History {
    moments: VecDeque<Moment>,
    fading: Fading,
    /// The interval between them, ns.
    step_ns: u64,
    due_ns: u64,
}

impl History {
    /// An empty history.
    #[must_use]
    pub const fn new(fading: Fading) -> Self {
        Self {
            moments: VecDeque::new(),
            fading,
            step_ns: match fading {
                Fading::Oldest => 1_000_000_000,
                Fading::EverySecond => 1_000_000,
            },
            due_ns: 0,
        }
    }

    /// Is the next one due?
    #[must_use]
    pub const fn is_due(&self, now_ns: u64) -> bool {
        now_ns >= self.due_ns
    }

    /// Adds one.
    pub fn push(&mut self, moment: Moment) {
        self.due_ns = moment.time_ns.saturating_add(self.step_ns);
        // One state per time: a step leads to a different time.
        let is_same = |last: &Moment| last.time_ns >= moment.time_ns;
        if self.moments.back().is_some_and(is_same) {
            self.moments.pop_back();
        }
        self.moments.push_back(moment);
        if self.moments.len() <= MOST {
            return;
        }
        match self.fading {
            Fading::Oldest => {
                self.moments.pop_front();
            }
            Fading::EverySecond => {
                let mut number = 0;
                self.moments.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.step_ns = self.step_ns.saturating_mul(2);
            }
        }
    }

    /// The last one not after this time, or the first of all.
    #[must_use]
    pub fn at(&self, time_ns: u64) -> Option<&Moment> {
        let behind = self
            .moments
            .partition_point(|moment| moment.time_ns <= time_ns);
        self.moments.get(behind.saturating_sub(1))
    }

    /// The time of the state `steps` away from the one at this time; of the first or the last if
    /// there are not that many.
    #[must_use]
    pub fn step(&self, time_ns: u64, steps: isize) -> Option<u64> {
        let behind = self
            .moments
            .partition_point(|moment| moment.time_ns <= time_ns);
        let last = self.moments.len().checked_sub(1)?;
        let at = behind.saturating_sub(1).saturating_add_signed(steps);
        Some(self.moments.get(at.min(last))?.time_ns)
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.moments.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(fading: Fading, count: u64) -> History {
        let mut history = History::new(fading);
        for time_ns in (0..count).map(|step| step * 1_000_000_000) {
            assert!(history.is_due(time_ns) || fading == Fading::EverySecond);
            if history.is_due(time_ns) {
                history.push(Moment {
                    time_ns,
                    rows: Vec::new(),
                    totals: Totals::default(),
                });
            }
        }
        history
    }

    #[test]
    fn a_live_run_keeps_its_last_states() {
        let history = filled(Fading::Oldest, 1_000);
        assert_eq!(history.len(), MOST);
        let last = 999 * 1_000_000_000;
        assert_eq!(history.at(last).expect("there").time_ns, last);
        assert_eq!(history.at(0).expect("the first").time_ns, 400_000_000_000);
        assert_eq!(history.step(last, -2), Some(997_000_000_000));
        assert_eq!(history.step(last, 5), Some(last));
        assert_eq!(history.step(0, -5), Some(400_000_000_000));
    }

    #[test]
    fn a_step_always_leads_to_another_time() {
        let mut history = filled(Fading::Oldest, 10);
        let last = 9 * 1_000_000_000;
        let same = history.at(last).expect("there").clone();
        history.push(same.clone());
        history.push(same);
        assert_eq!(history.len(), 10);
        assert_eq!(history.step(last, -1), Some(8_000_000_000));
    }

    #[test]
    fn a_recording_keeps_all_of_it_in_coarser_steps() {
        let history = filled(Fading::EverySecond, 10_000);
        assert!((MOST / 2..=MOST).contains(&history.len()));
        assert_eq!(history.at(0).expect("the first").time_ns, 0);
        let last = history.at(u64::MAX).expect("the last").time_ns;
        assert!(last > 9_900 * 1_000_000_000, "{last}");
        assert!(History::new(Fading::Oldest).at(7).is_none());
    }
}
