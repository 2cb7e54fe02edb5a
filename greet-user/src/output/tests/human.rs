// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is drawn for people, for each shape of traffic.

mod several;
pub(super) mod shapes;

use greet_common::wire::NLMSG_GREET;
use greet_trace::{
    event::samples::{bytes, datagram},
    statistics::Spans,
};
use proptest::prelude::{any, prop_assert, proptest};
use unicode_width::UnicodeWidthStr as _;

use super::*;
use shapes::{dump, multicast, overrun, refused, unread, user_to_user};

const UNICODE: RenderOptions = RenderOptions {
    width: 80,
    colour: false,
    unicode: true,
    verbose: false,
    bytes: false,
    oneline: false,
};
const WIDE: RenderOptions = RenderOptions {
    width: 140,
    ..UNICODE
};
const ASCII: RenderOptions = RenderOptions {
    unicode: false,
    ..UNICODE
};
const ONELINE: RenderOptions = RenderOptions {
    oneline: true,
    ..UNICODE
};

/// What a watch shows of these events.
fn watched(events: &[Event], render: RenderOptions) -> String {
    let mut shown = Vec::new();
    let mut human = Human::new(&mut shown, render, false);
    let mut journey = Journey::new(true);
    let mut emit = |update: Update<'_>| {
        human
            .update(&update, Some("netlink_recv_msg_fn"))
            .expect("writes to memory");
    };
    for event in events {
        journey.push(event.clone(), &mut emit);
    }
    journey.finish(&mut emit);
    String::from_utf8(shown).expect("UTF-8")
}

/// One below the other: at 80 columns, at 140, and in ASCII.
fn three(events: &[Event]) -> String {
    [UNICODE, WIDE, ASCII]
        .map(|render| watched(events, render))
        .join("\n")
}

#[test]
fn a_greeting() {
    let events = greeting(71, 1, 4_123_456_000);
    let shown = watched(&events, UNICODE);
    assert!(shown.trim().lines().count() <= 24, "{shown}");
    insta::assert_snapshot!(three(&events));
}

#[test]
fn a_refused_request_with_the_kernels_reason() {
    insta::assert_snapshot!(three(&refused()));
}

#[test]
fn an_answer_that_was_lost() {
    insta::assert_snapshot!(three(&overrun()));
}

#[test]
fn an_answer_that_nobody_reads_and_one_that_is_looked_at() {
    insta::assert_snapshot!(three(&unread()));
}

#[test]
fn a_dump_is_folded() {
    insta::assert_snapshot!(three(&dump(40)));
}

#[test]
fn a_dump_is_unfolded() {
    let verbose = RenderOptions {
        verbose: true,
        ..UNICODE
    };
    let shown = watched(&dump(40), verbose);
    assert_eq!(shown.matches("delivered").count(), 40);
    insta::assert_snapshot!(watched(&dump(5), verbose));
}

#[test]
fn a_message_to_three_receivers() {
    insta::assert_snapshot!(three(&multicast()));
}

#[test]
fn from_process_to_process() {
    insta::assert_snapshot!(three(&user_to_user()));
}

#[test]
fn with_bytes() {
    let render = RenderOptions {
        bytes: true,
        ..UNICODE
    };
    let all = [greeting(71, 1, 1_000).to_vec(), refused()].concat();
    insta::assert_snapshot!(watched(&all, render));
}

fn all_shapes() -> Vec<Event> {
    let greeting = greeting(71, 1, 4_123_456_000).to_vec();
    let shapes = [
        greeting,
        refused(),
        overrun(),
        unread(),
        dump(5),
        multicast(),
        user_to_user(),
    ];
    shapes.concat()
}

#[test]
fn on_one_line_each() {
    let wide = RenderOptions {
        width: 140,
        ..ONELINE
    };
    let shown = [ONELINE, wide].map(|render| watched(&all_shapes(), render));
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn colours_change_nothing_else() {
    for render in [UNICODE, ASCII, ONELINE] {
        let coloured = RenderOptions {
            colour: true,
            ..render
        };
        let coloured = watched(&all_shapes(), coloured);
        assert!(coloured.contains("\x1b["));
        let stripped = anstream::adapter::strip_str(&coloured).to_string();
        let trimmed = stripped.lines().map(str::trim_end).collect::<Vec<_>>();
        let plain = watched(&all_shapes(), render);
        assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
    }
}

#[test]
fn ascii_is_ascii() {
    for render in [
        ASCII,
        RenderOptions {
            bytes: true,
            ..ASCII
        },
    ] {
        let hostile = hostile(
            "naïve ☂ שלום".as_bytes(),
            *b"n\xc3\xa4me\0\0\0\0\0\0\0\0\0\0\0",
        );
        let shown = watched(&[all_shapes(), hostile].concat(), render);
        assert!(shown.is_ascii(), "{shown}");
    }
}

/// A greeting with an untrusted text and command name.
fn hostile(text: &[u8], comm: [u8; 16]) -> Vec<Event> {
    let mut events = greeting(71, 1, 1_000).to_vec();
    for event in &mut events {
        let head = match event {
            Event::Request(request) => {
                let data = bytes(NLMSG_GREET, 5, 1, 71, text);
                request.datagram = datagram(71, 0, &data);
                &mut request.head
            }
            Event::Message(message) => &mut message.head,
            Event::Delivery(delivery) => &mut delivery.head,
            _ => continue,
        };
        head.comm = comm;
    }
    events
}

#[test]
fn hostile_text() {
    let all = [
        hostile(
            b"one\ntwo\r\x1b[31m\x07\"",
            *b"a\n\x1b[2Jb\0\0\0\0\0\0\0\0\0",
        ),
        hostile(
            "\u{202e}sdrawkcab, שלום, e\u{301}\u{301}\u{301}, 世界 和平 世界 和平 世界\0"
                .as_bytes(),
            *b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3\xf2\xf1\0",
        ),
    ];
    insta::assert_snapshot!(three(&all.concat()));
}

/// Greetings, each of which takes longer than the one before.
fn slower_and_slower() -> Spans {
    let mut spans = Spans::default();
    for number in 1..=40_u64 {
        let mut events = greeting(71, 1, 1_000).to_vec();
        if let [.., Event::Delivery(read)] = events.as_mut_slice() {
            read.delivered_ns += 10_000 * number * number;
        }
        spans.count(&exchange(events));
    }
    spans
}

#[test]
fn what_many_greetings_took() {
    let spans = slower_and_slower();
    let mut all = summary(0, true);
    if let Some(greetings) = &mut all.greetings {
        (greetings.sent, greetings.received) = (40, 40);
    }
    all.spans = spans.distributions();
    all.totals = spans.totals();
    let shown = [UNICODE, ASCII].map(|render| {
        let mut shown = Vec::new();
        let mut human = Human::new(&mut shown, render, true);
        human.close(&all).expect("writes to memory");
        String::from_utf8(shown).expect("UTF-8")
    });
    insta::assert_snapshot!(shown.join("\n"));
}

/// A dump of `chunks` chunks, with something in the middle that must not be missed.
fn marked(chunks: u64, mark: fn(&mut Event)) -> Vec<Event> {
    let mut events = dump(chunks);
    let at = |events: &[Event], wanted: fn(&Event) -> bool| {
        let found = events.iter().enumerate().filter(|(_, event)| wanted(event));
        found.map(|(at, _)| at).nth(7).expect("it is long")
    };
    let message = at(&events, |event| matches!(event, Event::Message(_)));
    let delivery = at(&events, |event| matches!(event, Event::Delivery(_)));
    mark(&mut events[message]);
    mark(&mut events[delivery]);
    events
}

#[test]
fn what_must_not_be_missed_is_never_folded() {
    let interrupted = marked(15, |event| {
        if let Event::Message(message) = event {
            message.datagram.data[6] |= 0x10;
        }
    });
    let truncated = marked(15, |event| {
        if let Event::Delivery(read) = event {
            (read.result, read.copied) = (20, 20);
        }
    });
    let failed = marked(15, |event| {
        if let Event::Delivery(read) = event {
            read.result = -14;
        }
    });
    for (events, words, brief, status) in [
        (interrupted, "NLM_F_DUMP_INTR", "DUMP_INTR", "answered"),
        (truncated, "20 of ", "cut 20/", "truncated"),
        (failed, "EFAULT", "EFAULT", "lost"),
    ] {
        for render in [UNICODE, WIDE, ASCII] {
            let shown = watched(&events, render);
            assert!(shown.matches(words).count() >= 1, "{words}: {shown}");
            assert!(shown.contains(status), "{shown}");
            assert!(shown.contains("more, "), "the others are folded: {shown}");
        }
        for width in [80, 140] {
            let shown = watched(&events, RenderOptions { width, ..ONELINE });
            assert!(shown.contains(brief), "{brief}: {shown}");
        }
    }
    // If there are very many, not all are drawn, but all are mentioned.
    let mut all = dump(40);
    for event in &mut all {
        if let Event::Message(message) = event {
            message.datagram.data[6] |= 0x10;
        }
    }
    let shown = watched(&all, UNICODE);
    assert!(shown.contains("with NLM_F_DUMP_INTR"), "{shown}");
    assert!(shown.lines().count() < 120, "{shown}");
}

#[test]
fn what_a_watch_has_seen() {
    let spans = slower_and_slower();
    let observed = Summary {
        events: 120,
        events_dropped: 3,
        calls_missed: 1,
        counts: Counts {
            requests: 40,
            messages: 41,
            deliveries: 40,
            refused: 1,
            died: 0,
            unsent: 2,
            truncated: 1,
            overruns: 2,
            failed: 0,
            unmatched: 0,
            cut_short: 0,
        },
        spans: spans.distributions(),
        totals: spans.totals(),
        ..Summary::default()
    };
    let mut shown = Vec::new();
    let mut human = Human::new(&mut shown, UNICODE, false);
    human.close(&observed).expect("writes to memory");
    insta::assert_snapshot!(String::from_utf8(shown).expect("UTF-8"));
}

#[test]
fn greetings_as_ping_has_them() {
    let mut shown = Vec::new();
    let mut human = Human::new(&mut shown, UNICODE, false);
    human.open(&opening(false)).expect("writes to memory");
    for (number, text) in [(1, TEXT), (2, TEXT), (3, b"another text")] {
        let mut greeting = one(answered(text), None);
        greeting.number = number;
        human.greeting(&greeting).expect("writes to memory");
    }
    let lost = Outcome::Lost("no reply to greeting 1 within 5 s".to_owned());
    for outcome in [lost, Outcome::NotAskedFor] {
        human
            .greeting(&one(outcome, None))
            .expect("writes to memory");
    }
    insta::assert_snapshot!(String::from_utf8(shown).expect("UTF-8"));
}

proptest! {
    #[test]
    fn no_line_is_too_wide(
        text in "\\PC{0,60}|.{0,60}",
        comm: [u8; 15],
        width in 20_usize..200,
        flags in any::<[bool; 4]>(),
    ) {
        let [unicode, verbose, bytes, oneline] = flags;
        let render = RenderOptions { width, colour: false, unicode, verbose, bytes, oneline };
        let mut name = [0; 16];
        name[..15].copy_from_slice(&comm);
        let shown = watched(&hostile(text.as_bytes(), name), render);
        for line in shown.lines() {
            prop_assert!(line.width() <= width, "{} of {width}: {line}", line.width());
            prop_assert!(!line.contains(char::is_control), "{line:?}");
            prop_assert!(unicode || line.is_ascii(), "{line}");
        }
    }

    #[test]
    fn no_bytes_are_too_strange(data: Vec<u8>, width in 20_usize..200, oneline: bool) {
        let render = RenderOptions { width, bytes: true, oneline, ..UNICODE };
        let mut events = greeting(71, 1, 1_000).to_vec();
        for event in &mut events {
            match event {
                Event::Request(request) => request.datagram = datagram(71, 0, &data),
                Event::Message(message) => message.datagram = datagram(0, 71, &data),
                _ => {}
            }
        }
        for line in watched(&events, render).lines() {
            prop_assert!(line.width() <= width, "{} of {width}: {line}", line.width());
        }
    }
}
