// SPDX-License-Identifier: MIT OR Apache-2.0
//! Order, disorder, duplicates and gaps.

use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::event::tests::greeting;

fn exchanges(events: impl IntoIterator<Item = Event>) -> Vec<Exchange> {
    let mut journey = Journey::default();
    let mut all: Vec<_> = events
        .into_iter()
        .filter_map(|event| journey.push(event))
        .collect();
    all.extend(journey.finish());
    all
}

fn stages(exchange: &Exchange) -> Vec<Stage> {
    exchange.events.iter().map(|event| event.stage).collect()
}

#[test]
fn a_greeting_is_one_exchange() {
    let all = exchanges(greeting(71, 1, 1_000));
    let [exchange] = all.as_slice() else {
        panic!("{} exchanges", all.len());
    };
    assert!(exchange.complete);
    assert_eq!(exchange.result(), Some(36));
    assert_eq!(
        exchange.request().and_then(Message::text),
        Some("Hello, how are you?")
    );
    let results: Vec<_> = exchange.replies().map(|reply| reply.result).collect();
    assert_eq!(results, [Some(272)]);
    assert_eq!(
        exchange.spans(),
        [("dispatch", 10_000), ("handler", 30_000), ("build", 10_000)]
    );
}

#[test]
fn a_refused_message_has_neither_handler_nor_answer() {
    let mut events = greeting(71, 1, 0);
    events.retain(|event| matches!(event.stage, Stage::Cross | Stage::Crossed));
    let all = exchanges(events);
    assert_eq!(all.len(), 1);
    assert!(all[0].complete);
    assert_eq!(all[0].replies().count(), 0);
    assert_eq!(all[0].stage(Stage::Handle), None);
    assert!(all[0].spans().is_empty());
}

#[test]
fn an_answer_to_port_0_comes_back_into_the_handler() {
    // The handler's answer goes to the kernel itself: a callback within the callback.
    let mut events = greeting(71, 1, 0);
    let mut inner = events[1].clone();
    inner.skb = events[2].skb;
    let mut inner_end = events[4].clone();
    inner.time_ns = events[2].time_ns + 1;
    inner_end.time_ns = events[2].time_ns + 2;
    events.splice(3..3, [inner, inner_end]);
    let all = exchanges(events);
    assert_eq!(all.len(), 1);
    assert!(all[0].complete);
    assert_eq!(all[0].events.len(), 8);
    assert_eq!(
        all[0].replies().next().and_then(|reply| reply.result),
        Some(272)
    );
}

#[test]
fn every_lost_record_leaves_a_gap_and_nothing_else() {
    for lost in 0..6 {
        let mut events = greeting(71, 1, 0);
        events.remove(lost);
        events.extend(greeting(71, 2, 1_000_000));
        let all = exchanges(events);
        let last = all.last().expect("at least the second greeting");
        assert!(last.complete, "record {lost} lost");
        assert_eq!(
            stages(last),
            stages(&exchanges(greeting(71, 2, 0))[0]),
            "record {lost} lost"
        );
    }
}

/// Two to five tasks, two greetings each, shuffled in a way that keeps each task's order.
fn interleaved() -> impl Strategy<Value = Vec<Event>> {
    (2_u32..=5)
        .prop_flat_map(|tasks| {
            let turns: Vec<u32> = (0..tasks).flat_map(|task| [task; 12]).collect();
            Just(turns).prop_shuffle()
        })
        .prop_map(|turns| {
            let task = |tid| {
                greeting(tid, 1, 0)
                    .into_iter()
                    .chain(greeting(tid, 2, 100_000))
            };
            let mut tasks: Vec<_> = (0..5).map(|task_no| task(71 + task_no)).collect();
            turns
                .into_iter()
                .filter_map(|turn| tasks[usize::try_from(turn).expect("small")].next())
                .collect()
        })
}

proptest! {
    #[test]
    fn tasks_do_not_disturb_each_other(events in interleaved()) {
        let tasks = events.len() / 12;
        let all = exchanges(events);
        prop_assert_eq!(all.len(), tasks * 2);
        for exchange in &all {
            prop_assert!(exchange.complete);
            prop_assert_eq!(exchange.events.len(), 6);
            let tid = exchange.events[0].tid;
            prop_assert!(exchange.events.iter().all(|event| event.tid == tid));
            let request = exchange.request().and_then(Message::header).expect("a header");
            let replies: Vec<_> = exchange.replies().collect();
            prop_assert_eq!(replies.len(), 1);
            let reply = replies[0].event.message().and_then(Message::header).expect("a header");
            prop_assert_eq!(request.seq, reply.seq);
        }
    }

    #[test]
    fn duplicates_change_nothing(events in interleaved(), again in 0_usize..12) {
        let once = exchanges(events.clone());
        // A record that comes twice in a row: while its exchange is open.
        let twice = events.iter().enumerate().flat_map(|(at, event)| {
            let copies = if at % 12 == again && event.stage != Stage::Crossed { 2 } else { 1 };
            std::iter::repeat_n(event.clone(), copies)
        });
        prop_assert_eq!(exchanges(twice), once);
    }

    #[test]
    fn disorder_loses_no_event_silently(
        events in interleaved().prop_shuffle(),
        keep in 0_usize..60,
    ) {
        let mut journey = Journey::default();
        let kept: Vec<_> = events.into_iter().take(keep).collect();
        let total = kept.len();
        let mut all: Vec<_> = kept.into_iter().filter_map(|event| journey.push(event)).collect();
        all.extend(journey.finish());
        let seen: usize = all.iter().map(|exchange| exchange.events.len()).sum();
        prop_assert_eq!(seen + usize::try_from(journey.unmatched()).expect("small"), total);
    }
}
