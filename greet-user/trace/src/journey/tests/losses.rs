// SPDX-License-Identifier: MIT OR Apache-2.0
//! One lost message is one loss, of the socket that lost it.

use greet_common::event::RecordKind;

use super::{Event, Exchange, Journey, Rc, Status, Update, Watched, greeting, without_answer};
use crate::event::{Loss, Owner, samples::head};

const EAGAIN: i32 = -11;
const ECONNREFUSED: i32 = -111;
const ENOBUFS: i32 = -105;

/// A loss of port 71, in a call of thread 71; call 0: outside of one.
fn loss(call: u32, overrun: u32, result: i32) -> Loss {
    let mut head = head(RecordKind::Loss, 71, call);
    if call == 0 {
        head.call = 0;
    }
    Loss {
        head,
        time_ns: 30_000,
        netns: 4_026_531_840,
        portid: 71,
        result,
        overrun,
        inode: 0,
        owner: None,
    }
}

/// A reply that finds the queue full: the two places that it passes.
fn full(call: u32) -> [Event; 2] {
    [loss(call, 1, ENOBUFS), loss(call, 0, EAGAIN)].map(Event::Loss)
}

/// The losses and exchanges emitted for them.
fn told(watched: Watched, events: Vec<Event>) -> (Vec<Loss>, Vec<Exchange>) {
    let mut journey = Journey::watching(watched);
    let (mut losses, mut exchanges) = (Vec::new(), Vec::new());
    let mut take = |update: Update<'_>| match update {
        Update::Loss(loss) => losses.push(*loss),
        Update::Exchange(exchange) => exchanges.push(Rc::unwrap_or_clone(exchange)),
        _ => {}
    };
    for event in events {
        journey.push(event, &mut take);
    }
    journey.finish(&mut take);
    (losses, exchanges)
}

#[test]
fn an_answer_that_finds_the_queue_full_is_lost_once() {
    let mut events: Vec<_> = (0..600).flat_map(|_| full(2)).collect();
    events.push(without_answer(1, 600));
    let (losses, exchanges) = told(Watched::ALL, events);
    assert_eq!(losses.len(), 600);
    assert!(losses.iter().all(|loss| loss.overrun == 1));
    let [exchange] = exchanges.as_slice() else {
        panic!("{exchanges:?}");
    };
    assert_eq!((exchange.status(), exchange.lost()), (Status::Lost, 600));
    assert_eq!(exchange.lost_unrecorded(), 0);
    // Its sender is the one that lost it.
    let owner = Owner::of(&head(RecordKind::Request, 71, 2));
    assert!(losses.iter().all(|loss| loss.owner == Some(owner)));
}

#[test]
fn losses_without_end_are_not_kept_without_end() {
    let mut journey = Journey::new(true);
    let mut told = 0;
    let count = 2_000_000;
    for number in 0..count {
        // Calls whose end never comes, of a thousand threads.
        let mut loss = loss(2, 0, ECONNREFUSED);
        loss.head.tid = number % 1_000;
        journey.push(Event::Loss(loss), &mut |each| {
            told += u32::from(matches!(each, Update::Loss(_)));
        });
    }
    assert!(told > count / 2, "{told} were told before the end");
    journey.finish(&mut |each| told += u32::from(matches!(each, Update::Loss(_))));
    assert_eq!(told, count);
}

#[test]
fn outside_of_a_call_it_is_lost_once_as_well() {
    let other = |mut loss: Loss| {
        (loss.head.tid, loss.portid) = (72, 72);
        Event::Loss(loss)
    };
    // Two at the same time, on two CPUs.
    let mut events = vec![
        other(loss(0, 1, ENOBUFS)),
        Event::Loss(loss(0, 1, ENOBUFS)),
        other(loss(0, 0, EAGAIN)),
        Event::Loss(loss(0, 0, EAGAIN)),
    ];
    assert_eq!(told(Watched::ALL, events.clone()).0.len(), 2);
    // The record of the first place was dropped: then the second reports it.
    events.push(Event::Loss(loss(0, 0, EAGAIN)));
    assert_eq!(told(Watched::ALL, events).0.len(), 3);
}

#[test]
fn a_dropped_record_makes_no_two_losses_one() {
    let events = vec![
        Event::Loss(loss(2, 1, ENOBUFS)),
        Event::Loss(loss(2, 0, EAGAIN)),
        Event::Loss(loss(2, 0, EAGAIN)),
        without_answer(1, 3),
    ];
    let (losses, exchanges) = told(Watched::ALL, events);
    assert_eq!(losses.len(), 2);
    // There is no record at all of the third reply.
    assert_eq!(
        (exchanges[0].lost(), exchanges[0].lost_unrecorded()),
        (3, 1)
    );
}

#[test]
fn what_another_socket_loses_in_a_call_is_not_its_senders_loss() {
    let mut theirs = loss(2, 1, ENOBUFS);
    (theirs.head.sock, theirs.portid) = (1, 4242);
    let (losses, exchanges) = told(
        Watched::ALL,
        vec![Event::Loss(theirs), without_answer(1, 0)],
    );
    assert_eq!((losses.len(), losses[0].owner), (1, None));
    assert_eq!(exchanges[0].status(), Status::Unanswered);
    assert_eq!((exchanges[0].lost(), exchanges[0].losses.len()), (0, 1));
    // A reply to a port that does not exist was lost by no other socket either.
    let mut nobodys = loss(2, 0, ECONNREFUSED);
    nobodys.portid = 999_999;
    let (losses, exchanges) = told(
        Watched::ALL,
        vec![Event::Loss(nobodys), without_answer(1, 1)],
    );
    assert_eq!(
        (exchanges[0].status(), losses[0].owner),
        (Status::Lost, None)
    );
}

#[test]
fn some_answers_that_were_read_hide_none_that_was_lost() {
    let mut events = full(2).to_vec();
    events.extend(greeting(71, 1, 1_000));
    let (_, exchanges) = told(Watched::ALL, events);
    assert_eq!(exchanges[0].status(), Status::Lost);
}

#[test]
fn where_queues_are_not_watched_nothing_is_lost_or_unanswered() {
    let watched = Watched {
        queues: false,
        deliveries: false,
        ..Watched::ALL
    };
    let (_, exchanges) = told(watched, vec![without_answer(1, 1)]);
    assert_eq!(
        (exchanges[0].status(), exchanges[0].lost()),
        (Status::Sent, 0)
    );
    // But an overrun is a loss.
    let mut events = full(2).to_vec();
    events.push(without_answer(1, 1));
    let (_, exchanges) = told(watched, events);
    assert_eq!(
        (exchanges[0].status(), exchanges[0].lost()),
        (Status::Lost, 1)
    );
}

#[test]
fn in_a_summary_the_count_alone_tells() {
    let (losses, exchanges) = told(Watched::ALL, vec![without_answer(1, 7)]);
    assert_eq!((losses.len(), exchanges[0].lost()), (0, 7));
    // There overruns have a record and failures have none.
    let events = vec![Event::Loss(loss(2, 1, ENOBUFS)), without_answer(1, 1)];
    let (losses, exchanges) = told(Watched::ALL, events);
    assert_eq!((losses.len(), exchanges[0].lost()), (1, 1));
}
