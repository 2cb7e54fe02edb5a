// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recorded run: the same figures as everywhere else.

use std::io;

use greet_trace::{
    recording::Reader,
    run::{Counts, Summary},
};

use super::*;
use crate::replay::player::Player;

/// Keeps the summary.
struct Sum(Rc<RefCell<Option<Summary>>>);

impl View for Sum {
    fn update(&mut self, _: &Update<'_>, _: Option<&str>) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self, summary: &Summary) -> io::Result<()> {
        *self.0.borrow_mut() = Some(summary.clone());
        Ok(())
    }
}

/// The state after a recording, and its summary.
fn recorded(file: &[u8]) -> (State, Summary) {
    let state = State::new("a recording".to_owned(), Source::Read, Limits::RECORDED);
    let state = Rc::new(RefCell::new(state));
    let sum = Rc::new(RefCell::new(None));
    let sinks = Sinks::default()
        .shown(Box::new(Shown(Rc::clone(&state))))
        .shown(Box::new(Sum(Rc::clone(&sum))));
    let mut player = Player::new(sinks);
    for entry in Reader::open(file, "a recording").expect("is one") {
        player.take(entry.expect("an entry")).expect("shows it");
    }
    player.close().expect("sums up");
    let mut state = Rc::try_unwrap(state)
        .expect("the player is gone")
        .into_inner();
    state.refresh();
    let sum = sum.borrow_mut().take().expect("summed up");
    (state, sum)
}

#[test]
fn counts_are_the_summarys() {
    let recordings: [&[u8]; 2] = [
        include_bytes!("../../../tests/recordings/v1-watch.greet"),
        include_bytes!("../../../tests/recordings/v1-greetings.greet"),
    ];
    for file in recordings {
        let (state, observed) = recorded(file);
        let Counts {
            requests,
            messages,
            refused,
            unsent,
            overruns,
            failed,
            ..
        } = observed.counts;
        assert!(requests > 0 && messages > 0, "{:?}", observed.counts);
        let totals = state.moment().expect("a table").totals;
        assert_eq!(totals.tally.messages, requests + messages);
        assert_eq!(totals.tally.refused(), refused + unsent);
        assert_eq!(totals.tally.overruns, overruns);
        assert_eq!(totals.tally.failed, failed);
        let rows = state.rows();
        let sum = |number: fn(&state::conversation::Tally) -> u64| -> u64 {
            rows.iter().map(|row| number(&row.tally)).sum()
        };
        assert_eq!(sum(|tally| tally.messages), totals.tally.messages);
        assert_eq!(sum(|tally| tally.exchanges), totals.tally.exchanges);
        assert_eq!(sum(|tally| tally.failed), failed);
        let timed: u64 = rows
            .iter()
            .filter_map(|row| state.times(row.id)?.distribution())
            .map(|times| times.count)
            .sum();
        let total = observed
            .spans
            .iter()
            .find(|(name, _)| *name == "first_reply");
        assert_eq!(timed, total.map_or(0, |(_, times)| times.count));
        // Every exchange can be viewed.
        let kept: usize = rows.iter().map(|row| state.exchanges(row).len()).sum();
        assert_eq!(kept as u64, totals.tally.exchanges);
    }
}

#[test]
fn a_recording_looks_as_it_did() {
    let file = include_bytes!("../../../tests/recordings/v1-watch.greet");
    let (mut state, _) = recorded(file);
    insta::assert_snapshot!("recorded", drawn(&mut state, (140, 45), true));
}
