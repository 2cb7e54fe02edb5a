// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names that try to break out of their label, and more names than there is room for.

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
    let names: Vec<_> = names.into_iter().map(<[u8]>::to_vec).collect();
    are_labels(&names, &[0, 31, 40]);
    let single: Vec<_> = (0..=255_u8).map(|byte| vec![byte, b'x']).collect();
    for some in single.chunks(AT_ONCE) {
        are_labels(some, &[0]);
    }
}

/// promtool's time is quadratic in the number of names: a minute for a thousand.
const AT_ONCE: usize = 64;

/// Processes with these names, each of which sends a request in each protocol.
fn are_labels(names: &[Vec<u8>], protocols: &[u32]) {
    let mut fed = Fed::begin(1_000);
    let asking = names
        .iter()
        .flat_map(|name| protocols.iter().map(move |protocol| (name, *protocol)));
    let events = asking
        .zip(1..)
        .flat_map(|((name, protocol), call)| asked(protocol, name, call, -1));
    fed.feed(events);
    let answer = plain(fed.address);
    promtool(&["check", "metrics"], &answer.text);
    let counted = samples(&answer.text);
    let asked = (names.len() * protocols.len()) as f64;
    assert_eq!(sum(&counted, "greet_requests_total", ""), asked);
    assert_eq!(samples(&as_prometheus(fed.address).text), counted);
    fed.finish();
}

/// More processes than get a name of their own. promtool checks as many as it can handle in the
/// other tests; see [`AT_ONCE`].
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
