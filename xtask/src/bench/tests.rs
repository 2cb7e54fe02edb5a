// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verdicts on made-up measurements, and the layout of the table.

use xtask::job::{Batch, Measured, Report};

use super::Results;
use super::judge::{self, Verdict};
use super::peers::{self, Missing};
use super::rows::{self, Row, Size};
use super::table::table;
use super::throughput::Throughput;

const SIZE: Size = Size {
    flood_s: 10,
    pause_s: 3,
};
const TRIPS: u64 = 12_000;

/// A client's report with a thousand round trips per batch.
fn report(trip_ns: &[u64], trips: u64) -> Report {
    let batch = |&ns: &u64| Batch {
        trips: 1_000,
        wall_ns: ns * 1_000,
        cpu_ns: ns * 900,
    };
    Report {
        started_ns: 1,
        trips,
        batches: trip_ns.iter().map(batch).collect(),
    }
}

fn measured(id: &str, trip_ns: &[u64]) -> Measured {
    Measured {
        id: id.to_owned(),
        attach_ns: Some(100_000_000),
        running_ns: Some(60_000_000),
        report: Some(report(trip_ns, TRIPS)),
        evidence: TRIPS,
        last_line: summary(TRIPS, TRIPS * 3, 0),
        said: String::new(),
        failure: None,
    }
}

fn summary(sent: u64, events: u64, dropped: u64) -> String {
    format!(
        r#"{{"kind":"summary","v":1,"sent":{sent},"received":{sent},"lost":0,"events":{events},"events_dropped":{dropped},"calls_missed":0,"spans":{{}}}}"#
    )
}

fn row(id: &str) -> Row {
    let rows = [rows::counted(), rows::pressure(SIZE)].concat();
    let row = rows.into_iter().find(|row| row.job.id == id);
    row.expect("a row of that name")
}

/// The verdict on one row, next to an unwatched client that takes 1,000 ns.
fn verdict(watched: Measured) -> Verdict {
    let rows = [row("greet"), row(&watched.id)];
    let measured = [measured("greet", &[1_000]), watched];
    let results = judge::round_trips(&rows, &measured, &Missing::new());
    results[1].verdict.clone()
}

fn pressure(watched: Measured) -> Verdict {
    let rows = [row(&watched.id)];
    judge::pressures(&rows, &[watched])[0].verdict.clone()
}

#[test]
fn the_best_batch_is_held_against_the_limit() {
    assert_eq!(
        verdict(measured("greet-json", &[2_000, 1_600])),
        Verdict::Kept
    );
    assert_eq!(verdict(measured("greet-json", &[1_601])), Verdict::Broken);
    assert_eq!(
        verdict(measured("greet-stage-send", &[5_000])),
        Verdict::Compared
    );
}

#[test]
fn a_watcher_that_has_not_seen_all_is_invalid() {
    let mut dropped = measured("greet-json", &[1_000]);
    dropped.last_line = summary(TRIPS, TRIPS * 3 - 1, 1);
    let Verdict::Invalid(why) = verdict(dropped) else {
        panic!("a dropped record is not kept");
    };
    assert!(why.contains("1 dropped"), "{why}");

    let mut unseen = measured("greet-json", &[1_000]);
    unseen.evidence -= 1;
    assert!(matches!(verdict(unseen), Verdict::Invalid(_)));

    let mut silent = measured("greet-summary", &[1_000]);
    silent.last_line = String::new();
    assert!(matches!(verdict(silent), Verdict::Invalid(_)));

    let mut curious = measured("route-other", &[1_000]);
    curious.last_line = summary(0, 1, 0);
    let rows = [row("route"), row("route-other")];
    let all = [measured("route", &[1_000]), curious];
    let results = judge::round_trips(&rows, &all, &Missing::new());
    assert!(matches!(results[1].verdict, Verdict::Invalid(_)));
}

#[test]
fn what_failed_says_why_and_a_peer_fails_nothing() {
    let mut failed = measured("greet-bpftrace", &[]);
    failed.failure = Some("bpftrace: exit status: 1".to_owned());
    failed.said = "first\nERROR: no BTF\n".to_owned();
    let verdict = verdict(failed);
    let why = "bpftrace: exit status: 1: ERROR: no BTF".to_owned();
    assert_eq!(verdict, Verdict::Absent(why));
    assert!(!verdict.fails());
}

#[test]
fn a_stopped_reader_accounts_for_every_record() {
    let mut stopped = measured("stopped", &[1_000]);
    stopped.last_line = summary(TRIPS, TRIPS * 3 + 1 - 500, 500);
    assert_eq!(pressure(stopped.clone()), Verdict::Kept);
    stopped.last_line = summary(TRIPS, TRIPS * 3 - 500, 500);
    assert!(pressure(stopped.clone()).fails());
    // Nothing dropped: the reader was not stopped long enough to prove anything.
    stopped.last_line = summary(TRIPS, TRIPS * 3, 0);
    assert!(pressure(stopped).fails());
    assert_eq!(pressure(measured("flood", &[1_000])), Verdict::Kept);
}

#[test]
fn a_quarter_of_bpftraces_time_is_the_limit() {
    let rows = [row("greet-json"), row("greet-bpftrace")];
    let mut all = [
        measured("greet-json", &[1]),
        measured("greet-bpftrace", &[1]),
    ];
    let verdicts = |all: &[Measured]| {
        let attached = judge::attachments(&rows, all, &Missing::new());
        attached
            .into_iter()
            .map(|row| row.verdict)
            .collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&all), [Verdict::Broken, Verdict::Compared]);
    all[1].attach_ns = Some(400_000_000);
    assert_eq!(verdicts(&all), [Verdict::Kept, Verdict::Compared]);
    let attached = judge::attachments(&rows, &all[..1], &peers::none());
    assert_eq!(attached[0].verdict, Verdict::Compared);
}

#[test]
fn the_table() {
    let numbers = [
        ("greet", 6_548),
        ("greet-json", 9_800),
        ("greet-summary", 9_700),
        ("greet-stage-send", 7_000),
        ("greet-bpftrace", 17_137),
        ("greet-tcpdump", 6_596),
        ("route", 16_756),
    ];
    let unmeasured = ["greet-strace", "route-json"].map(row);
    let rows: Vec<_> = numbers
        .iter()
        .map(|(id, _)| row(id))
        .chain(unmeasured)
        .collect();
    let mut all: Vec<_> = numbers
        .iter()
        .map(|&(id, ns)| measured(id, &[ns + 7, ns]))
        .collect();
    all[3].last_line = summary(TRIPS, TRIPS, 0);
    all[4].evidence = 47_000;
    all[4].attach_ns = Some(4_321_098_765);
    all[4].running_ns = None;
    all[5].said = "listening on nlmon0\n0 packets captured\n".to_owned();
    let mut missing = peers::none();
    missing.retain(|&tool, _| tool == peers::Tool::Strace);
    let floods = rows::pressure(SIZE);
    let mut stopped = measured("stopped", &[50_000]);
    stopped.last_line = summary(TRIPS, TRIPS * 3 + 1 - 500, 500);
    let results = Results {
        kernel: "6.12.0-cloud-amd64".to_owned(),
        round_trips: judge::round_trips(&rows, &all, &missing),
        attach: judge::attachments(&rows, &all, &missing),
        throughput: Some(Throughput {
            records_per_second: 1_234_567.0,
            limit: 500_000.0,
            verdict: Verdict::Kept,
        }),
        pressure: judge::pressures(&floods, &[measured("flood", &[50_000]), stopped]),
    };
    insta::assert_snapshot!(table(&results));
    insta::assert_json_snapshot!(results.round_trips[1]);
}
