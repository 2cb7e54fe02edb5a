// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is counted, and how it is written.

use greet_common::event::RecordKind;
use greet_trace::{
    event::{Datagram, Event, Message, Request, samples},
    journey::Journey,
    run::{Run, System},
    tracer::Attached,
};

use super::*;

/// The metrics of these events.
fn counted(limit: usize, events: impl IntoIterator<Item = Event>) -> String {
    let mut metrics = Metrics::new(limit);
    let system = System {
        tool: String::new(),
        kernel: "6.12.1-\"test\"".to_owned(),
        boot_time_unix_ns: 0,
        attached: Attached::default(),
    };
    let opening = Opening {
        began_ns: 0,
        deliveries: true,
        run: Run::Watch(system),
    };
    metrics.open(&opening).expect("opened");
    let mut journey = Journey::new(true);
    let mut emit = |update: Update<'_>| metrics.update(&update, None).expect("told");
    for event in events {
        journey.push(event, &mut emit);
    }
    journey.finish(&mut emit);
    metrics.scrape().text(Syntax::Open).expect("text")
}

/// The sample's value.
fn value(text: &str, sample: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(sample));
    lines
        .find_map(|rest| rest.strip_prefix(' '))
        .map(str::to_owned)
}

/// A process of this name sends a request, which is refused.
fn refused(name: &[u8], protocol: u32, errno: i32) -> [Event; 2] {
    let mut head = samples::head(RecordKind::Request, 70, 9);
    head.comm = [0; 16];
    head.comm[..name.len()].copy_from_slice(name);
    head.protocol = protocol;
    let bytes = samples::bytes(2, 0, 1, 70, &errno.to_ne_bytes());
    let of = |portid, peer, data: &[u8]| Datagram {
        beyond: greet_trace::event::Beyond::default(),
        protocol,
        ..samples::datagram(portid, peer, data)
    };
    [
        Event::Message(Message {
            head,
            skb: 1,
            reply_ns: 30,
            queue_ns: 40,
            datagram: of(0, 70, &bytes),
        }),
        Event::Request(Request {
            head,
            send_ns: 10,
            cross_ns: 20,
            handle_ns: 0,
            handled_ns: 0,
            sent_ns: 50,
            result: 20,
            end: greet_trace::event::End::Returned,
            unqueued: 0,
            datagram: of(70, 0, &samples::bytes(18, 5, 1, 0, &[])),
        }),
    ]
}

#[test]
fn greetings_are_counted() {
    let events = (1..=3).flat_map(|seq| samples::greeting(71, seq, u64::from(seq) * 1_000_000));
    let text = counted(10, events);
    insta::assert_snapshot!(began_when(&text));
}

/// The text without the one number that always differs.
fn began_when(text: &str) -> String {
    let lines = text.lines().map(
        |line| match line.strip_prefix("greet_start_time_seconds ") {
            Some(_) => "greet_start_time_seconds (now)\n".to_owned(),
            None => format!("{line}\n"),
        },
    );
    lines.collect()
}

#[test]
fn refusals_have_their_error() {
    let events = [(-17, 16), (-1, 0), (-17, 16), (-4000, 0)];
    let text = counted(
        10,
        events
            .into_iter()
            .flat_map(|(errno, protocol)| refused(b"ip", protocol, errno)),
    );
    let refusals = |labels: &str| value(&text, &format!("greet_refusals_total{{{labels}}}"));
    assert_eq!(
        refusals("protocol=\"generic\",error=\"EEXIST\"").as_deref(),
        Some("2")
    );
    assert_eq!(
        refusals("protocol=\"route\",error=\"EPERM\"").as_deref(),
        Some("1")
    );
    assert_eq!(
        refusals("protocol=\"route\",error=\"other\"").as_deref(),
        Some("1")
    );
    let sample = "greet_exchanges_total{protocol=\"generic\",process=\"ip\",status=\"refused\"}";
    assert_eq!(value(&text, sample).as_deref(), Some("2"));
}

#[test]
fn hostile_names_stay_in_their_place() {
    let names: [&[u8]; 6] = [
        b"a\"} 1\n",
        b"\\",
        b"x\ny",
        b"\xff\xfe",
        "naïve ☂".as_bytes(),
        b"{}=,",
    ];
    let text = counted(100, names.into_iter().flat_map(|name| refused(name, 0, -1)));
    for label in [
        r#"process="a\\\"} 1\\n""#,
        r#"process="\\""#,
        r#"process="x\\ny""#,
        r#"process="\\xff\\xfe""#,
        "process=\"naïve ☂\"",
        r#"process="{}=,""#,
    ] {
        let sample = format!("greet_requests_total{{protocol=\"route\",{label}}}");
        assert_eq!(
            value(&text, &sample).as_deref(),
            Some("1"),
            "{label}: {text}"
        );
    }
}

#[test]
fn however_many_processes_there_are_the_text_does_not_grow() {
    let names = |count: u32| {
        let events = (0..count).flat_map(|number| refused(format!("p{number}").as_bytes(), 0, -1));
        counted(50, events)
    };
    let (some, many) = (names(60), names(6_000));
    assert_eq!(some.lines().count(), many.lines().count());
    assert_eq!(
        value(&many, "greet_exchanges_folded_total").as_deref(),
        Some("5950")
    );
    let others = "greet_requests_total{protocol=\"route\",process=\"other\"}";
    assert_eq!(value(&many, others).as_deref(), Some("5950"));
}

#[test]
fn progress_is_told_up_to_the_end() {
    let mut metrics = Metrics::new(1);
    let scrape = metrics.scrape();
    assert!(metrics.wants_progress());
    metrics.progress(&Progress {
        events: 7,
        events_dropped: 2,
        calls_missed: 1,
    });
    let text = scrape.text(Syntax::Plain).expect("text");
    for (sample, wanted) in [
        ("greet_up", "0"),
        ("greet_events_total", "7"),
        ("greet_events_dropped_total", "2"),
        ("greet_calls_missed_total", "1"),
    ] {
        assert_eq!(value(&text, sample).as_deref(), Some(wanted), "{sample}");
    }
}
