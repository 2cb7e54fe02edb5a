// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cuts a suite into slices that take about the same time: a machine is booted for each, and
//! they run beside each other.

use super::times::Times;

/// About how long a slice takes, in seconds. Shorter ones leave a machine idle less often at the
/// end, longer ones boot less often (4 s each).
const SLICE: f64 = 75.0;
/// How long a test takes that has not run yet, in seconds.
const USUAL: f64 = 2.0;
/// Those of which it is known that they take longer, on two processors in an emulator.
const SLOW: &[(&str, f64)] = &[
    ("detach::after_a_failure_to_attach", 15.0),
    (
        "trace::a_header_of_ones_own_and_a_callback_that_does_not_reply",
        5.0,
    ),
    ("ending::by_itself_or_before_it_began", 15.0),
    (
        "otlp::whatever_the_collector_does_each_exchange_is_counted",
        25.0,
    ),
    (
        "pcapng::a_capture_that_is_killed_at_any_moment_can_be_read",
        30.0,
    ),
    (
        "recording::a_run_that_is_killed_at_any_moment_leaves_every_whole_frame",
        30.0,
    ),
    (
        "recording::a_replay_shows_what_was_shown_live_to_the_byte",
        27.0,
    ),
    ("loading::a_hundred_times_with_clients_knocking", 25.0),
];

/// Some tests that one machine runs, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Their paths.
    pub tests: Vec<String>,
    /// How long they will take, in seconds.
    pub seconds: f64,
}

/// Cuts, in the order that the tests have.
pub fn cut(tests: &[String], seconds: impl Fn(&str) -> f64) -> Vec<Slice> {
    let whole: f64 = tests.iter().map(|test| seconds(test)).sum();
    let even = whole / (whole / SLICE).ceil().max(1.0);
    let mut slices: Vec<Slice> = Vec::new();
    for test in tests {
        let takes = seconds(test);
        match slices.last_mut() {
            // It belongs to the slice that it lies in for the greater part.
            Some(last) if last.seconds + takes / 2.0 <= even => {
                last.tests.push(test.clone());
                last.seconds += takes;
            }
            _ => slices.push(Slice {
                tests: vec![test.clone()],
                seconds: takes,
            }),
        }
    }
    slices
}

/// How long a test takes on a kernel: as long as the last time, or else what is usual.
pub fn expected(before: &Times, kernel: &str, test: &str) -> f64 {
    let same = |kernel: Option<&str>| {
        before.tests.iter().find(|time| {
            time.name == test && (kernel.is_none() || time.kernel.as_deref() == kernel)
        })
    };
    let known = same(Some(kernel)).or_else(|| same(None));
    let slow = SLOW.iter().find(|(name, _)| *name == test);
    known
        .map(|time| time.seconds)
        .or(slow.map(|(_, seconds)| *seconds))
        .unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::times::TestTime;

    #[test]
    fn slices_are_even_and_hold_each_test_once() {
        let tests: Vec<_> = (0..100).map(|number| format!("m::t{number}")).collect();
        let slices = cut(&tests, |test| if test == "m::t7" { 40.0 } else { 2.0 });
        let joined: Vec<_> = slices
            .iter()
            .flat_map(|slice| slice.tests.clone())
            .collect();
        assert_eq!(joined, tests);
        assert_eq!(slices.len(), 4, "{slices:?}");
        assert!(
            slices.iter().all(|slice| slice.seconds < SLICE),
            "{slices:?}"
        );
        assert_eq!(cut(&tests[..1], |_| 500.0).len(), 1);
        assert_eq!(cut(&[], |_| 1.0), []);
    }

    #[test]
    fn what_was_measured_counts_most() {
        let before = Times {
            tests: vec![TestTime {
                suite: "vm".to_owned(),
                kernel: Some("6.1".to_owned()),
                name: "a::b".to_owned(),
                seconds: 9.0,
            }],
            ..Times::default()
        };
        let close = |one: f64, other: f64| assert!((one - other).abs() < 1e-9, "{one} {other}");
        close(expected(&before, "6.1", "a::b"), 9.0);
        close(expected(&before, "7.2", "a::b"), 9.0);
        close(expected(&before, "6.1", "a::c"), USUAL);
        close(expected(&before, "6.1", SLOW[0].0), SLOW[0].1);
    }
}
