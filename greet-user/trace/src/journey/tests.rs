// SPDX-License-Identifier: MIT OR Apache-2.0
//! Order, disorder, duplicates and gaps.

use greet_common::Stage;
use greet_common::event::RecordKind;
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::event::{
    Extack, Head,
    samples::{bytes, datagram, greeting},
};

mod crossed;
mod ends;
mod losses;
mod pairing;
mod reads;

/// The request of thread 71's greeting, with `unqueued` replies that reached no queue.
fn without_answer(seq: u32, unqueued: u32) -> Event {
    let [_, mut request, _] = greeting(71, seq, 0);
    if let Event::Request(request) = &mut request {
        request.unqueued = unqueued;
    }
    request
}

fn push(journey: &mut Journey, event: Event, ended: &mut Vec<Exchange>) {
    journey.push(event, &mut |told| ended.extend(told.into_exchange()));
}

fn exchanges(events: impl IntoIterator<Item = Event>) -> Vec<Exchange> {
    let mut journey = Journey::new(true);
    let mut all = Vec::new();
    for event in events {
        push(&mut journey, event, &mut all);
    }
    journey.finish(&mut |told| all.extend(told.into_exchange()));
    all
}

/// What must hold for a complete greeting.
fn is_whole(exchange: &Exchange) -> bool {
    let request = exchange.request.as_ref().expect("a request");
    let [queued] = exchange.queued.as_slice() else {
        return false;
    };
    let answer = &queued.message.datagram;
    exchange.stages().len() == 9
        && exchange.status() == Status::Answered
        && answer.peer_portid == request.datagram.portid
        && answer.header().map(|header| header.seq) == exchange.seq()
        && queued.delivery.as_ref().map(|read| read.head.sock) == Some(request.head.sock)
}

#[test]
fn a_greeting_is_one_exchange_and_its_steps_add_up() {
    let all = exchanges(greeting(71, 1, 1_000));
    let [exchange] = all.as_slice() else {
        panic!("{} exchanges", all.len());
    };
    assert!(is_whole(exchange));
    let stages = exchange.stages();
    let steps: u64 = stages.windows(2).map(|pair| pair[1].1 - pair[0].1).sum();
    assert_eq!(exchange.span(Stage::Send, Stage::Delivered), Some(steps));
    let spans: Vec<_> = exchange.spans().collect();
    assert_eq!(spans.len(), SPANS.len() + 1);
    assert!(spans.contains(&("handler", 30_000)));
    assert!(spans.contains(&("queue_wait", 30_000)));
    assert!(spans.contains(&("first_reply", 80_000)));
}

#[test]
fn a_delivery_may_be_told_before_its_message() {
    // A summary emits the message late if another thread reads it.
    let [message, request, delivery] = greeting(71, 1, 1_000);
    let all = exchanges([delivery, message, request]);
    assert!(all.len() == 1 && is_whole(&all[0]), "{all:?}");
    // But never before it was queued: then the buffer held another message.
    let [_, _, delivery] = greeting(71, 1, 1_000);
    let [message, request, _] = greeting(71, 2, 500_000);
    let mut journey = Journey::new(true);
    let mut ended = Vec::new();
    for event in [delivery, message, request] {
        push(&mut journey, event, &mut ended);
    }
    assert!(ended.is_empty());
    assert_eq!(journey.unmatched(), 1);
}

#[test]
fn what_did_not_happen_is_absent() {
    let [_, mut request, _] = greeting(71, 1, 1_000);
    if let Event::Request(request) = &mut request {
        (request.handle_ns, request.handled_ns, request.result) = (0, 0, -111);
    }
    let all = exchanges([request]);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].status(), Status::Failed);
    let stages: Vec<_> = all[0].stages().iter().map(|(stage, _)| *stage).collect();
    assert_eq!(stages, [Stage::Send, Stage::Cross, Stage::Sent]);
    assert_eq!(all[0].spans().collect::<Vec<_>>(), [("copy_in", 10_000)]);
}

#[test]
fn an_answer_read_before_sendmsg_returns_is_the_same_exchange() {
    let [message, request, mut delivery] = greeting(71, 1, 0);
    if let Event::Delivery(read) = &mut delivery {
        // Another thread reads.
        (read.head.tid, read.head.call) = (72, 7 << 32 | 72);
    }
    let all = exchanges([message, delivery, request]);
    assert_eq!(all.len(), 1);
    assert!(is_whole(&all[0]));
}

#[test]
fn a_look_does_not_take_the_message_away() {
    let [message, request, delivery] = greeting(71, 1, 0);
    let mut look = delivery.clone();
    if let Event::Delivery(look) = &mut look {
        look.flags = MSG_PEEK;
        look.head.call = 77;
    }
    let all = exchanges([message, request, look.clone(), look, delivery]);
    assert_eq!(all.len(), 1);
    assert!(is_whole(&all[0]));
    assert_eq!(all[0].queued[0].peeks, 2);
}

#[test]
fn an_answer_that_is_never_read_is_given_back_at_the_end() {
    let [message, request, _] = greeting(71, 1, 0);
    let all = exchanges([message, request]);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].status(), Status::Unread);
}

#[test]
fn unread_answers_do_not_pile_up() {
    let mut journey = Journey::new(true);
    let mut all = Vec::new();
    for seq in 0..70_000 {
        let [mut message, request, _] = greeting(71, seq, 0);
        if let Event::Message(message) = &mut message {
            message.skb = u64::from(seq) * 256;
        }
        push(&mut journey, message, &mut all);
        push(&mut journey, request, &mut all);
    }
    assert_eq!(all.len(), 70_000 - WAITING);
    assert_eq!(all[0].seq(), Some(0), "the oldest goes first");
    assert!(journey.in_queue.len() <= WAITING);
}

#[test]
fn where_deliveries_are_not_seen_nobody_waits_for_them() {
    let mut journey = Journey::new(false);
    let mut all = Vec::new();
    let [message, request, _] = greeting(71, 1, 0);
    push(&mut journey, message, &mut all);
    push(&mut journey, request, &mut all);
    assert_eq!(all.len(), 1);
}

/// A dump of `ip link`: the first chunk in `sendmsg()`, the next inside the `recvmsg()` that reads
/// the first, in the buffer that it has just freed.
#[test]
fn later_chunks_of_a_dump_belong_to_its_request() {
    let [message, request, delivery] = greeting(71, 1, 0);
    let (Event::Message(mut first), Event::Request(mut request), Event::Delivery(read)) =
        (message, request, delivery)
    else {
        panic!("not as expected");
    };
    request.datagram = datagram(71, 0, &bytes(18, 0x301, 9, 71, &[0; 4]));
    first.datagram = datagram(0, 71, &bytes(16, 2, 9, 71, &[1; 100]));
    let mut second = first.clone();
    second.head = Head {
        kind: RecordKind::Message as u32,
        ..read.head
    };
    second.datagram = datagram(0, 71, &bytes(3, 2, 9, 71, &[0; 4]));
    (second.reply_ns, second.queue_ns) = (0, read.receive_ns + 1);
    let mut read_second = read;
    read_second.head.call += 1 << 32;
    read_second.receive_ns = second.queue_ns + 10;
    let all = exchanges([
        Event::Message(first),
        Event::Request(request),
        Event::Message(second),
        Event::Delivery(read),
        Event::Delivery(read_second),
    ]);
    assert_eq!(all.len(), 1);
    let lengths: Vec<_> = all[0]
        .queued
        .iter()
        .map(|queued| queued.message.datagram.len)
        .collect();
    assert_eq!(lengths, [116, 20]);
    assert!(all[0].queued.iter().all(|queued| queued.delivery.is_some()));
}

/// The request as only its end shows it.
fn without_bytes(event: &mut Event) {
    let Event::Request(request) = event else {
        panic!("no request");
    };
    let stages = [
        &mut request.send_ns,
        &mut request.cross_ns,
        &mut request.handle_ns,
        &mut request.handled_ns,
    ];
    stages.into_iter().for_each(|time_ns| *time_ns = 0);
    request.datagram.data = Box::default();
}

#[test]
fn a_request_without_bytes_is_known_by_its_answers() {
    let [mut first, mut request, read] = greeting(71, 9, 0);
    without_bytes(&mut request);
    let Event::Message(message) = &mut first else {
        panic!("no message");
    };
    message.reply_ns = 0;
    message.datagram = datagram(0, 71, &bytes(16, 2, 9, 71, &[1; 100]));
    let Event::Delivery(delivery) = &read else {
        panic!("no delivery");
    };
    // The next chunk, which is built when the first is read, and one of another dump.
    let chunk = |seq, skb| {
        let mut chunk = message.clone();
        chunk.head = delivery.head;
        (chunk.skb, chunk.queue_ns) = (skb, delivery.receive_ns + 1);
        chunk.datagram = datagram(0, 71, &bytes(3, 2, seq, 71, &[0; 4]));
        Event::Message(chunk)
    };
    let (same, other) = (chunk(9, 1), chunk(8, 2));
    let all = exchanges([first, request, same, other, read]);
    let [exchange, alone] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!((exchange.seq(), exchange.queued.len()), (Some(9), 2));
    let stages: Vec<_> = exchange.stages().iter().map(|(stage, _)| *stage).collect();
    assert_eq!(
        stages,
        [Stage::Queue, Stage::Sent, Stage::Receive, Stage::Delivered]
    );
    assert_eq!((alone.request.is_none(), alone.seq()), (true, None));
}

#[test]
fn a_reason_whose_socket_is_not_known_waits_for_its_request() {
    let reason = |call: u64| {
        let [_, Event::Request(request), _] = greeting(71, 1, 0) else {
            panic!("not as expected");
        };
        let head = Head {
            kind: RecordKind::Extack as u32,
            protocol: 0,
            call: request.head.call + (call << 32),
            sock: 0,
            ..request.head
        };
        Event::Extack(Extack {
            head,
            time_ns: 1,
            text: [0; 128],
        })
    };
    let [_, mut request, _] = greeting(71, 1, 0);
    without_bytes(&mut request);
    let mut journey = Journey::new(true);
    let mut told = Vec::new();
    // The first belongs to a call that is not traced.
    for event in [reason(7), reason(0), request, reason(8)] {
        journey.push(event, &mut |what| {
            if let Update::Extack(extack, _) = what {
                told.push((extack.head.protocol, extack.head.sock));
            }
        });
    }
    journey.finish(&mut |what| assert!(!matches!(what, Update::Extack(..))));
    assert_eq!(told, [(31, 0xffff_8880_0000_0000 + 71 * 0x1000)]);
}

#[test]
fn a_message_seen_when_it_is_read_as_well_is_one() {
    let [message, request, delivery] = greeting(71, 1, 0);
    let (Event::Message(again), Event::Delivery(read)) = (&message, &delivery) else {
        panic!("not as expected");
    };
    let mut again = again.clone();
    again.head = read.head;
    (again.reply_ns, again.queue_ns) = (0, 0);
    let all = exchanges([
        message,
        request,
        Event::Message(again.clone()),
        delivery.clone(),
    ]);
    assert_eq!(all.len(), 1);
    assert!(is_whole(&all[0]));
    // And one that was queued unseen is reported when it is read.
    let all = exchanges([Event::Message(again), delivery]);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].status(), Status::Notification);
}

#[test]
fn every_lost_record_leaves_a_gap_and_nothing_else() {
    for lost in 0..3 {
        let mut events = greeting(71, 1, 0).to_vec();
        events.remove(lost);
        events.extend(greeting(71, 2, 1_000_000));
        let all = exchanges(events);
        let last = all.iter().find(|exchange| exchange.seq() == Some(2));
        assert!(last.is_some_and(is_whole), "record {lost} lost");
    }
}

/// Two to five tasks, two greetings each, shuffled in a way that keeps each task's order.
fn interleaved() -> impl Strategy<Value = Vec<Event>> {
    (2_u32..=5)
        .prop_flat_map(|tasks| {
            let turns: Vec<u32> = (0..tasks).flat_map(|task| [task; 6]).collect();
            Just(turns).prop_shuffle()
        })
        .prop_map(|turns| {
            let task = |tid| {
                let second = greeting(tid, 2, 100_000);
                greeting(tid, 1, 0).into_iter().chain(second)
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
        let greetings = events.len() / 3;
        let all = exchanges(events);
        prop_assert_eq!(all.len(), greetings);
        prop_assert!(all.iter().all(is_whole));
    }

    #[test]
    fn a_delivery_seen_twice_changes_nothing(events in interleaved()) {
        let once = exchanges(events.clone());
        let twice = events.iter().flat_map(|event| {
            let copies = if matches!(event, Event::Delivery(_)) { 2 } else { 1 };
            std::iter::repeat_n(event.clone(), copies)
        });
        prop_assert_eq!(exchanges(twice), once);
    }

    #[test]
    fn loss_mixes_nothing_up(events in interleaved(), kept in proptest::collection::vec(proptest::bool::ANY, 30)) {
        let events = events.into_iter().zip(kept).filter_map(|(event, kept)| kept.then_some(event));
        for exchange in exchanges(events) {
            if let Some(request) = &exchange.request {
                for queued in &exchange.queued {
                    prop_assert_eq!(queued.message.head.call, request.head.call);
                    prop_assert_eq!(queued.message.head.tid, request.head.tid);
                }
            }
        }
    }

    #[test]
    fn disorder_loses_no_message_silently(events in interleaved().prop_shuffle()) {
        let messages = |events: &[Event]| {
            events.iter().filter(|event| matches!(event, Event::Message(_))).count()
        };
        let sent = messages(&events);
        let all = exchanges(events);
        let told: usize = all.iter().map(|exchange| exchange.queued.len()).sum();
        prop_assert_eq!(told, sent);
    }
}
