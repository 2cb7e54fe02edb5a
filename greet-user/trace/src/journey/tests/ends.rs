// SPDX-License-Identifier: MIT OR Apache-2.0
//! The status of replies that were not read, or could not be.

use super::{exchanges, greeting};
use crate::{
    event::Event,
    journey::{Exchange, Journey, Status, Update},
};

#[test]
fn an_answer_that_left_with_its_socket_is_unread() {
    let mut journey = Journey::new(true);
    let mut told = Vec::new();
    let mut take = |each: Update<'_>| {
        if let Update::Exchange(exchange) = each {
            told.push((
                exchange.status(),
                exchange.queued.iter().any(|queued| queued.gone),
            ));
        }
    };
    // The first reply is never read; its buffer is reused, and that message is read.
    let [message, request, _] = greeting(71, 1, 1_000);
    for event in [message, request]
        .into_iter()
        .chain(greeting(71, 2, 2_000_000))
    {
        journey.push(event, &mut take);
    }
    journey.finish(&mut take);
    assert_eq!(told, [(Status::Unread, true), (Status::Answered, false)]);
}

#[test]
fn where_reading_is_not_watched_nothing_is_unread() {
    let mut journey = Journey::new(false);
    let mut statuses = Vec::new();
    let [message, request, _] = greeting(71, 1, 1_000);
    for event in [message, request] {
        journey.push(event, &mut |each| {
            if let Update::Exchange(exchange) = each {
                statuses.push(exchange.status());
            }
        });
    }
    assert_eq!(statuses, [Status::Answered]);
}

#[test]
fn an_answer_that_its_reader_could_not_take_is_lost() {
    let mut events = greeting(71, 1, 1_000);
    if let Event::Delivery(read) = &mut events[2] {
        read.result = -14;
    }
    let statuses: Vec<_> = exchanges(events).iter().map(Exchange::status).collect();
    assert_eq!(statuses, [Status::Lost]);
}
