// SPDX-License-Identifier: MIT OR Apache-2.0
//! The counts of a watch in one sentence, the same in every view. What the hooks could not see is
//! not included.

use super::counted;
use crate::run::Summary;

/// Requests and messages.
#[must_use]
pub fn seen(observed: &Summary) -> String {
    let (counts, watched) = (observed.counts, observed.watched);
    let mut parts = Vec::new();
    if watched.requests {
        let requests = counted(counts.requests, "request", "requests");
        let wrong: Vec<_> = [
            (counts.refused, "refused"),
            (counts.unsent, "failed"),
            (counts.died, "died in the kernel"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        parts.push(if wrong.is_empty() {
            requests
        } else {
            format!("{requests} ({})", wrong.join(", "))
        });
    }
    let (one, several) = ("message to a process", "messages to processes");
    parts.push(counted(counts.messages, one, several));
    if watched.deliveries {
        parts.push(format!("{} read", counts.deliveries));
        if counts.truncated > 0 {
            parts.push(format!("{} truncated", counts.truncated));
        }
    }
    parts.join(", ")
}

/// Losses, if they can be seen.
#[must_use]
pub fn lost(observed: &Summary) -> Option<String> {
    let counts = observed.counts;
    if !observed.watched.losses && counts.lost() == 0 {
        return None;
    }
    let reasons = [
        (counts.overruns, "to a full receive queue"),
        (counts.failed, "not delivered"),
    ];
    let reasons: Vec<_> = reasons
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{count} {why}"))
        .collect();
    let lost = counted(counts.lost(), "message lost", "messages lost");
    Some(if reasons.is_empty() {
        lost
    } else {
        format!("{lost}: {}", reasons.join(", "))
    })
}
