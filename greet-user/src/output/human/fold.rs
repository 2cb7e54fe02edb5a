// SPDX-License-Identifier: MIT OR Apache-2.0
//! Of many answers, the first ones and the last are shown.

use super::{look::Look, rungs::Rung, text::duration};
use crate::journey::Exchange;

/// How many of an exchange's messages are shown at the beginning, and at the end.
const FIRST: usize = 2;
const LAST: usize = 1;

/// What is drawn.
pub(super) enum Shown {
    /// This rung.
    Rung(usize),
    /// What is said of those that are not.
    Fold(String),
}

/// The rungs that are drawn, in their order.
pub(super) fn folded(rungs: &[Rung<'_>], exchange: &Exchange, look: &Look) -> Vec<Shown> {
    let count = exchange.passed.len();
    if look.verbose || count <= FIRST + LAST + 1 {
        return (0..rungs.len()).map(Shown::Rung).collect();
    }
    let hidden = FIRST..count - LAST;
    let is_hidden = |rung: &Rung<'_>| rung.answer.is_some_and(|number| hidden.contains(&number));
    // Behind the last rung of those that are shown at the beginning.
    let is_first = |rung: &Rung<'_>| rung.answer.is_some_and(|number| number < FIRST);
    let place = rungs.iter().rposition(is_first).map_or(0, |at| at + 1);
    let mut shown = Vec::new();
    for (at, rung) in rungs.iter().enumerate() {
        if at == place {
            shown.push(Shown::Fold(told(rungs, exchange, &hidden, look)));
        }
        if !is_hidden(rung) {
            shown.push(Shown::Rung(at));
        }
    }
    shown
}

fn told(
    rungs: &[Rung<'_>],
    exchange: &Exchange,
    hidden: &std::ops::Range<usize>,
    look: &Look,
) -> String {
    let passed = &exchange.passed[hidden.clone()];
    let bytes: u64 = passed
        .iter()
        .map(|passed| u64::from(passed.message.datagram.len))
        .sum();
    let times = rungs
        .iter()
        .filter(|rung| rung.answer.is_some_and(|number| hidden.contains(&number)));
    let times: Vec<_> = times.map(|rung| rung.time_ns).collect();
    let took = times
        .last()
        .zip(times.first())
        .map_or(0, |(last, first)| last - first);
    let (more, count) = (look.glyphs().more, hidden.len());
    let unread = passed
        .iter()
        .filter(|passed| passed.delivery.is_none())
        .count();
    let unread = if unread == 0 {
        String::new()
    } else {
        format!(", {unread} unread")
    };
    format!(
        "{more} {count} more, {bytes} bytes{unread}, {}",
        duration(took, look)
    )
}
