// SPDX-License-Identifier: MIT OR Apache-2.0
//! Replay timing, so that a replay takes as long as the recorded run.

use std::time::Duration;

use tokio::time::Instant;

use greet_trace::recording::Entry;

/// Keeps the pace, starting with the first entry.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// The same moment on the replay's clock and on the recording's.
    began: Option<(Instant, u64)>,
}

impl Pace {
    /// When to show an entry; `None` for immediately.
    pub(crate) fn due(&mut self, entry: &Entry) -> Option<Instant> {
        let time_ns = entry.time_ns()?;
        let (now, then_ns) = *self.began.get_or_insert_with(|| (Instant::now(), time_ns));
        let since = Duration::from_nanos(time_ns.checked_sub(then_ns)?);
        now.checked_add(since).filter(|due| *due > Instant::now())
    }

    /// The current time on the recording's clock, in ns; 0 before the first entry.
    #[cfg(feature = "top")]
    pub(crate) fn now_ns(&self) -> u64 {
        self.began.map_or(0, |(now, then_ns)| {
            let since = u64::try_from(now.elapsed().as_nanos()).unwrap_or(u64::MAX);
            then_ns.saturating_add(since)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use greet_trace::run::Closing;

    #[test]
    fn what_came_later_is_shown_later() {
        let mut pace = Pace::default();
        let mut due = |ended_ns| {
            pace.due(&Entry::Closing(Closing {
                ended_ns,
                ..Closing::default()
            }))
        };
        assert_eq!(due(5_000_000_000), None, "the first sets the pace");
        let [one, two] = [605, 1_205].map(|s| due(s * 1_000_000_000).expect("later"));
        assert_eq!(two - one, Duration::from_mins(10));
        assert_eq!(due(4_000_000_000), None, "what is late is not put off");
        assert_eq!(due(0), None, "nobody knows when");
        assert!(due(u64::MAX).is_some_and(|due| due > two));
        assert_eq!(pace.due(&Entry::Dropped(7)), None);
    }
}
