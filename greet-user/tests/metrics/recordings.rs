// SPDX-License-Identifier: MIT OR Apache-2.0
//! The metrics of committed recordings match the counts of `greet-user replay`.

use std::{fs::File, path::Path, process::Command};

use greet_trace::recording::{Entry, Reader};
use serde_json::Value;

use crate::{
    feeding::Fed,
    package::recording,
    program::program,
    promtool::promtool,
    scraping::{as_prometheus, plain, samples, sum},
};

#[test]
fn metrics_agree_with_the_replay() {
    for name in ["v1-watch.greet", "v1-greetings.greet"] {
        let path = recording(name);
        let summary = summary(&path);
        let file = File::open(&path).expect("a recording");
        let reader = Reader::open(file, path).expect("a recording");
        let mut fed = Fed::begin(100);
        fed.feed(reader.filter_map(|entry| match entry.expect("an entry") {
            Entry::Event(event) => Some(event),
            _ => None,
        }));
        let answer = plain(fed.address);
        promtool(&["check", "metrics"], &answer.text);
        let counted = samples(&answer.text);
        for (metric, count) in [
            ("greet_requests_total", "requests"),
            ("greet_messages_total", "messages"),
            ("greet_deliveries_total", "deliveries"),
            ("greet_refusals_total", "refused"),
            ("greet_overruns_total", "overruns"),
            ("greet_failures_total", "failed"),
        ] {
            // For greetings, the summary has other counts.
            if let Some(wanted) = summary[count].as_f64() {
                assert_eq!(sum(&counted, metric, ""), wanted, "{name} {metric}");
            }
        }
        assert_eq!(
            summary["events"].as_f64(),
            Some(counted["greet_events_total"]),
            "{name}"
        );
        for (span, found) in summary["spans"].as_object().expect("spans") {
            let of = format!("span=\"{span}\"");
            let count = sum(&counted, "greet_span_seconds_count", &of);
            let sum = sum(&counted, "greet_span_seconds_sum", &of);
            // The summary also has the first reply under an older name.
            if !["round_trip", "total"].contains(&span.as_str()) {
                assert_eq!(found["count"].as_f64(), Some(count), "{name} {span}");
                let mean = found["mean"].as_f64().expect("a mean") * 1e-9;
                assert!(
                    (sum / count - mean).abs() < 2e-9,
                    "{name} {span}: {sum} / {count}"
                );
            }
        }
        let open = as_prometheus(fed.address);
        assert!(
            open.head.contains("content-encoding: gzip\r\n"),
            "{}",
            open.head
        );
        assert!(
            open.head
                .contains("content-type: application/openmetrics-text;"),
            "{}",
            open.head
        );
        assert!(open.text.ends_with("\n# EOF\n"));
        assert_eq!(samples(&open.text), counted, "{name}");
        fed.finish();
    }
}

/// The last line of a replay.
fn summary(path: &Path) -> Value {
    let mut command = Command::new(program());
    let output = command
        .arg("replay")
        .arg(path)
        .args(["-q", "--format", "json"])
        .output();
    let out = output.expect("greet-user starts").stdout;
    let text = String::from_utf8(out).expect("UTF-8");
    serde_json::from_str(text.lines().last().expect("a line")).expect("JSON")
}
