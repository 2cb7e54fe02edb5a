// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folds long exchanges: the first replies and the last are shown and, of the others, those that
//! matter; if those are too many, how many there are of each kind.

use std::collections::BTreeSet;

use greet_trace::journey::{Exchange, Queued};

use super::{
    render::{DIM, ERROR, RenderOptions},
    rungs::Rung,
    text::{counted, duration, error_name},
};

use anstyle::Style;

/// Messages of an exchange that are shown at the start, and at the end.
const FIRST: usize = 2;
const LAST: usize = 1;
/// Messages in between that are shown because they matter.
const MATTER: usize = 4;

/// What is drawn.
pub(super) enum Shown {
    /// This rung.
    Rung(usize),
    /// A summary of the hidden ones.
    Fold(Style, String),
}

/// The rungs to draw, in order.
pub(super) fn folded(
    rungs: &[Rung<'_>],
    exchange: &Exchange,
    render: &RenderOptions,
) -> Vec<Shown> {
    let count = exchange.queued.len();
    if render.verbose || count <= FIRST + LAST + 1 {
        return (0..rungs.len()).map(Shown::Rung).collect();
    }
    let between = FIRST..count - LAST;
    let matter = between
        .clone()
        .filter(|at| matters(&exchange.queued[*at]))
        .take(MATTER);
    let matter: BTreeSet<_> = matter.collect();
    let hidden: BTreeSet<_> = between.filter(|at| !matter.contains(at)).collect();
    let is_hidden = |rung: &Rung<'_>| rung.answer.is_some_and(|number| hidden.contains(&number));
    // After the last of the rungs shown at the start.
    let is_first = |rung: &Rung<'_>| rung.answer.is_some_and(|number| number < FIRST);
    let place = rungs.iter().rposition(is_first).map_or(0, |at| at + 1);
    let mut shown = Vec::new();
    for (at, rung) in rungs.iter().enumerate() {
        if at == place && !hidden.is_empty() {
            shown.push(told(rungs, exchange, &hidden, render));
        }
        if !is_hidden(rung) {
            shown.push(Shown::Rung(at));
        }
    }
    shown
}

/// Is it something that must not be missed?
fn matters(queued: &Queued) -> bool {
    let error = queued.message.datagram.error();
    error.is_some_and(|errno| errno < 0)
        || queued.is_spoilt()
        || queued.is_truncated()
        || queued.is_interrupted()
}

fn told(
    rungs: &[Rung<'_>],
    exchange: &Exchange,
    hidden: &BTreeSet<usize>,
    render: &RenderOptions,
) -> Shown {
    let queued = || hidden.iter().filter_map(|at| exchange.queued.get(*at));
    let bytes: u64 = queued()
        .map(|queued| u64::from(queued.message.datagram.len))
        .sum();
    let times = rungs
        .iter()
        .filter(|rung| rung.answer.is_some_and(|number| hidden.contains(&number)));
    let times: Vec<_> = times.map(|rung| rung.time_ns).collect();
    let took = times
        .last()
        .zip(times.first())
        .map_or(0, |(last, first)| last - first);
    let (more, count) = (render.glyphs().more, hidden.len());
    let number = |is: &dyn Fn(&Queued) -> bool| queued().filter(|queued| is(queued)).count();
    let errno = |queued: &Queued| queued.message.datagram.error().filter(|errno| *errno < 0);
    let counts = [
        (number(&|queued| queued.delivery.is_none()), "unread"),
        (number(&Queued::is_spoilt), "not read due to an error"),
        (number(&Queued::is_truncated), "truncated"),
        (number(&Queued::is_interrupted), "with NLM_F_DUMP_INTR"),
    ];
    let mut text = format!("{more} {count} more, {}", counted(bytes, "byte", "bytes"));
    let errors: BTreeSet<_> = queued().filter_map(errno).collect();
    if !errors.is_empty() {
        let names: Vec<_> = errors.into_iter().rev().map(error_name).collect();
        let count = number(&|queued| errno(queued).is_some()) as u64;
        let count = counted(count, "error", "errors");
        text = format!("{text}, {count} ({})", names.join(", "));
    }
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        text = format!("{text}, {count} {what}");
    }
    let style = if queued().any(matters) { ERROR } else { DIM };
    Shown::Fold(style, format!("{text}, {}", duration(took, render)))
}
