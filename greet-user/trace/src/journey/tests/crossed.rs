// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests that are reported before their call ends, and calls that never end.

use super::*;
use crate::event::End;

/// A greeting whose request is also reported at `cross`: its end then has no bytes.
fn early(tid: u32, seq: u32) -> [Event; 4] {
    let [message, mut request, delivery] = greeting(tid, seq, u64::from(seq) * 1_000_000);
    let mut crossed = request.clone();
    if let (Event::Request(crossed), Event::Request(request)) = (&mut crossed, &mut request) {
        (crossed.handle_ns, crossed.handled_ns, crossed.sent_ns) = (0, 0, 0);
        (crossed.result, crossed.end) = (0, End::Crossed);
        request.datagram.data = Box::default();
    }
    [crossed, message, request, delivery]
}

/// The ends of the requests emitted for these events, and the exchanges.
fn told(events: impl IntoIterator<Item = Event>) -> (Vec<End>, Vec<Exchange>) {
    let mut journey = Journey::new(true);
    let (mut requests, mut exchanges) = (Vec::new(), Vec::new());
    let mut emit = |what: Update<'_>| match what {
        Update::Request(request) => requests.push(request.end),
        Update::Exchange(exchange) => exchanges.push(Rc::unwrap_or_clone(exchange)),
        _ => {}
    };
    for event in events {
        journey.push(event, &mut emit);
    }
    journey.finish(&mut emit);
    assert_eq!(journey.held, Held::default(), "nothing is held any more");
    (requests, exchanges)
}

fn dead(mut request: Event) -> Event {
    if let Event::Request(request) = &mut request {
        (request.sent_ns, request.result, request.end) = (0, 0, End::Died);
        request.handled_ns = 0;
    }
    request
}

#[test]
fn a_request_that_was_reported_early_is_told_once_and_whole() {
    let events = early(71, 1).into_iter().chain(early(72, 2));
    let (requests, exchanges) = told(events);
    assert_eq!(requests, [End::Crossed; 2]);
    assert!(
        exchanges.len() == 2 && exchanges.iter().all(is_whole),
        "{exchanges:?}"
    );
    let plain = super::exchanges(greeting(71, 1, 1_000_000));
    assert_eq!(exchanges[..1], plain, "the same as without");
}

#[test]
fn one_whose_call_does_not_end_is_unfinished() {
    let [crossed, message, ..] = early(71, 1);
    let (requests, exchanges) = told([crossed.clone(), message, early(72, 2)[0].clone()]);
    assert_eq!(requests.len(), 2);
    let statuses: Vec<_> = exchanges.iter().map(Exchange::status).collect();
    assert_eq!(statuses, [Status::Unfinished; 2]);
    // The second has a reply to wait for.
    let queued: Vec<_> = exchanges.iter().map(|each| each.queued.len()).collect();
    assert_eq!(queued, [0, 1], "with what happened so far");
    assert_eq!(exchanges[0].remark(), Some("sendmsg() has not returned"));
    // The thread is in another call: the end of the first was lost.
    let (_, exchanges) = told(std::iter::once(crossed).chain(early(71, 2)));
    let statuses: Vec<_> = exchanges.iter().map(Exchange::status).collect();
    assert_eq!(statuses, [Status::Unfinished, Status::Answered]);
}

#[test]
fn one_whose_task_died_says_where() {
    let [crossed, message, request, _] = early(71, 1);
    let (requests, exchanges) = told([dead(greeting(71, 1, 0)[1].clone())]);
    assert_eq!(
        (requests.as_slice(), exchanges.len()),
        (&[End::Died][..], 1)
    );
    assert_eq!(exchanges[0].status(), Status::Died);
    assert_eq!(exchanges[0].remark(), Some("the task died in the callback"));
    let stages: Vec<_> = exchanges[0]
        .stages()
        .iter()
        .map(|(stage, _)| *stage)
        .collect();
    assert_eq!(stages, [Stage::Send, Stage::Cross, Stage::Handle]);
    // Emitted at once, though its reply is unread: it will never be read.
    let mut journey = Journey::new(true);
    let mut all = Vec::new();
    for event in [crossed, message, dead(request)] {
        push(&mut journey, event, &mut all);
    }
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].status(), all[0].seq()), (Status::Died, Some(1)));
    // Before or after the callback only the call is known.
    let mut behind = greeting(71, 1, 0)[1].clone();
    if let Event::Request(request) = &mut behind {
        (request.sent_ns, request.end) = (0, End::Died);
    }
    let (_, exchanges) = told([behind]);
    assert_eq!(exchanges[0].remark(), Some("the task died in sendmsg()"));
}

#[test]
fn a_callback_that_sent_nothing_is_pointed_out_where_a_reply_was_asked_for() {
    let [_, request, _] = greeting(71, 1, 0);
    let remark = |event: &Event| {
        let (_, exchanges) = told([event.clone()]);
        assert_eq!(exchanges[0].status(), Status::Unanswered);
        exchanges[0].remark()
    };
    assert_eq!(remark(&request), Some("the callback ran and sent no reply"));
    let Event::Request(mut asked) = request else {
        panic!("a request")
    };
    let unseen = Event::Request(Request {
        handle_ns: 0,
        handled_ns: 0,
        ..asked.clone()
    });
    assert_eq!(remark(&unseen), None, "the callback was not watched");
    // Without NLM_F_ACK nothing is missing.
    asked.datagram.data[6] &= !4;
    assert_eq!(remark(&Event::Request(asked)), None);
}
