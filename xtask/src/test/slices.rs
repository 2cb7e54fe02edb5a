// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cuts a suite into slices that take about the same time; each gets a machine of its own, and they
//! run concurrently.

use super::times::Times;

/// Target duration of a slice, in seconds. Shorter slices leave machines idle less at the end;
/// longer ones need fewer boots (4 s each).
const SLICE: f64 = 120.0;
/// Assumed duration of a test that has never run, in seconds.
const USUAL: f64 = 2.0;
/// Tests known to take longer, on two processors under emulation.
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

/// Tests that one machine runs in sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// The tests' paths.
    pub tests: Vec<String>,
    /// Expected duration, in seconds.
    pub seconds: f64,
}

/// Cuts the tests into slices, preserving their order.
pub fn cut(tests: &[String], seconds: impl Fn(&str) -> f64) -> Vec<Slice> {
    let whole: f64 = tests.iter().map(|test| seconds(test)).sum();
    let even = whole / (whole / SLICE).ceil().max(1.0);
    let mut slices: Vec<Slice> = Vec::new();
    for test in tests {
        let takes = seconds(test);
        match slices.last_mut() {
            // A test belongs to the slice that contains the greater part of it.
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

/// Expected duration of a test on a kernel: that of the last run, or else a default.
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
        assert!(slices.len() > 1, "{slices:?}");
        assert!(
            slices.iter().all(|slice| slice.seconds <= SLICE + USUAL),
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
