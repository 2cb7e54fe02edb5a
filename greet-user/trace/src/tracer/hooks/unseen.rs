// SPDX-License-Identifier: MIT OR Apache-2.0
//! What cannot be seen, and why: one sentence per reason.

use std::collections::BTreeSet;

use greet_common::Stage;

use super::table::Hook;
use crate::tracer::plan::Plan;

/// What could not be attached so far.
#[derive(Default)]
pub(super) struct Unseen {
    of: Vec<(String, Things)>,
}

#[derive(Default)]
struct Things {
    stages: BTreeSet<Stage>,
    others: Vec<&'static str>,
}

impl Unseen {
    /// Records that this hook is missing, and why.
    pub(super) fn hook(&mut self, plan: &Plan, hook: &Hook, why: String) {
        self.things(plan, hook.shows, hook.tells, why);
    }

    /// Records that these stages, if requested, and something else cannot be seen, and why.
    pub(super) fn things(
        &mut self,
        plan: &Plan,
        stages: &[Stage],
        other: impl IntoIterator<Item = &'static str>,
        why: String,
    ) {
        let at = self.of.iter().position(|(reason, _)| *reason == why);
        let at = at.unwrap_or_else(|| {
            self.of.push((why, Things::default()));
            self.of.len() - 1
        });
        let things = &mut self.of[at].1;
        let asked = stages.iter().filter(|stage| plan.stages.contains(stage));
        things.stages.extend(asked);
        for other in other {
            if !things.others.contains(&other) {
                things.others.push(other);
            }
        }
    }

    /// One sentence per reason.
    pub(super) fn sentences(self) -> impl Iterator<Item = String> {
        self.of.into_iter().filter_map(|(why, things)| {
            let stages = things.stages.iter().map(|stage| stage.name());
            let names: Vec<_> = stages.chain(things.others).collect();
            (!names.is_empty()).then(|| format!("not seen: {} ({why})", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_reason_is_one_sentence() {
        let plan = Plan::default();
        let mut unseen = Unseen::default();
        unseen.things(&plan, &[Stage::Sent, Stage::Send], None, "one".to_owned());
        unseen.things(&plan, &[], Some("overruns"), "other".to_owned());
        unseen.things(&plan, &[Stage::Cross], Some("this"), "one".to_owned());
        unseen.things(&plan, &[Stage::Cross], Some("this"), "one".to_owned());
        let sentences: Vec<_> = unseen.sentences().collect();
        assert_eq!(
            sentences,
            [
                "not seen: send, cross, sent, this (one)",
                "not seen: overruns (other)"
            ]
        );
    }

    #[test]
    fn nobody_misses_what_he_did_not_ask_for() {
        let plan = Plan {
            stages: [Stage::Queue].into(),
            ..Plan::default()
        };
        let mut unseen = Unseen::default();
        unseen.things(&plan, &[Stage::Send], None, "one".to_owned());
        assert_eq!(unseen.sentences().count(), 0);
    }
}
