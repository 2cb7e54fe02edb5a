// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names that want to break out, and more of them than there is room for.

use std::time::Instant;

use crate::{
    feeding::{Fed, asked, lost},
    promtool::{complains, promtool},
    scraping::{as_prometheus, plain, samples, sum},
};

#[test]
fn the_check_can_fail() {
    for text in [
        "greet_requests_total{process=\"a\"b\"} 1\n",
        "# TYPE x counter\nx{a=\"1\"} 1\nx{a=\"1\"} 2\n",
    ] {
        assert!(complains(&["check", "metrics"], text), "{text}");
    }
}

#[test]
fn any_name_is_a_label() {
    let names: [&[u8]; 11] = [
        b"a\"b",
        b"a\\b",
        b"a\nb",
        b"a\\nb",
        b"\xff\xfe\x80",
        b"\"} 1\nevil{x=\"",
        b"{}[]#=, ",
        b"\x01\x1b[2J",
        "☂ नमस्ते".as_bytes().first_chunk::<16>().expect("long"),
        b"",
        b"other",
    ];
    let mut fed = Fed::begin(1_000);
    let single = (0..=255_u8).map(|byte| vec![byte, b'x']);
    let names = names.into_iter().map(<[u8]>::to_vec).chain(single);
    let events = names.enumerate().flat_map(|(call, name)| {
        let call = u64::try_from(call).expect("few") + 1;
        [0, 31, 40].map(|protocol| asked(protocol, &name, call * 3 + u64::from(protocol % 3), -1))
    });
    fed.feed(events.flatten());
    let answer = plain(fed.address);
    promtool(&["check", "metrics"], &answer.text);
    let counted = samples(&answer.text);
    assert_eq!(sum(&counted, "greet_requests_total", ""), 3.0 * 267.0);
    assert_eq!(samples(&as_prometheus(fed.address).text), counted);
    fed.finish();
}

#[test]
fn a_thousand_processes() {
    let mut fed = Fed::begin(1_000);
    let names = (0..1_500_u64).map(|number| format!("process-{number}"));
    let events = names
        .zip(1..)
        .flat_map(|(name, call)| asked(0, name.as_bytes(), call, 0));
    fed.feed(events.chain([lost(0, 1), lost(0, 0)]));
    let plain = plain(fed.address);
    let began = Instant::now();
    let open = as_prometheus(fed.address);
    println!(
        "1,000 processes: {} samples, {} bytes, {} with gzip, {:?} a scrape",
        plain
            .text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .count(),
        plain.sent,
        open.sent,
        began.elapsed()
    );
    promtool(&["check", "metrics"], &plain.text);
    let counted = samples(&plain.text);
    let named = counted
        .keys()
        .filter(|sample| sample.starts_with("greet_requests_total"));
    assert_eq!(named.count(), 1_001);
    assert_eq!(counted["greet_exchanges_folded_total"], 500.0);
    assert_eq!(
        sum(&counted, "greet_exchanges_total", "process=\"other\""),
        500.0
    );
    assert_eq!(counted["greet_overruns_total{protocol=\"route\"}"], 1.0);
    let failures = "greet_failures_total{protocol=\"route\",error=\"ENOBUFS\"}";
    assert_eq!(counted[failures], 1.0);
    fed.finish();
}
