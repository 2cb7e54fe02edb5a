// SPDX-License-Identifier: MIT OR Apache-2.0
//! The spans sent match the JSON of the same exchanges.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use serde_json::Value;

use crate::{
    receiver::{Receiver, Reply},
    recording::{committed, of},
    run::{Sending, exchanges},
};

/// An attribute's text, or its number as text.
fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text.clone()),
        any_value::Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

fn agree(file: &Path, boot_ns: u64) {
    let receiver = Receiver::start(|_| Reply::Taken);
    let said = Sending::start(file, &receiver.url()).ends();
    let wanted = exchanges(file);
    let count = u64::try_from(wanted.len()).expect("few");
    assert_eq!(said.counts, [count, 0, 0, 0, 0], "{}", said.line);
    let received = receiver.received();
    let mut traces = BTreeMap::<_, Vec<&Span>>::new();
    let mut ids = BTreeSet::new();
    for span in received.spans() {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        assert!(ids.insert(&span.span_id), "a span ID is there twice");
        traces.entry(&span.trace_id).or_default().push(span);
    }
    assert_eq!(traces.len(), wanted.len(), "a trace for each exchange");
    let mut traces: Vec<_> = traces.into_values().map(Trace::of).collect();
    for exchange in &wanted {
        let t_ns = exchange["t_ns"].as_u64().expect("a time");
        let is_it = |trace: &Trace<'_>| {
            let seq = attribute(&trace.root.attributes, "netlink.seq");
            trace.root.start_time_unix_nano == boot_ns + t_ns
                && seq == exchange["seq"].as_u64().map(|seq| seq.to_string())
        };
        let at = traces
            .iter()
            .position(is_it)
            .unwrap_or_else(|| panic!("{exchange}"));
        traces.swap_remove(at).agrees(exchange);
    }
}

/// The spans of one exchange.
struct Trace<'a> {
    root: &'a Span,
    children: Vec<&'a Span>,
}

impl<'a> Trace<'a> {
    /// Checks that parents are right and that children lie within them.
    fn of(spans: Vec<&'a Span>) -> Self {
        let of_id = |id: &[u8]| spans.iter().find(|span| span.span_id == id).copied();
        let all = spans.iter().copied();
        let (roots, children) =
            all.partition::<Vec<&Span>, _>(|span| span.parent_span_id.is_empty());
        assert_eq!(roots.len(), 1);
        for child in &children {
            let parent = of_id(&child.parent_span_id).expect("a parent in the same trace");
            assert!(
                parent.start_time_unix_nano <= child.start_time_unix_nano
                    && child.start_time_unix_nano <= child.end_time_unix_nano
                    && child.end_time_unix_nano <= parent.end_time_unix_nano,
                "{} in {}",
                child.name,
                parent.name
            );
            let inside = matches!(child.name.as_str(), "build" | "enqueue");
            assert_eq!(
                parent.name == "handler",
                inside && parent.parent_span_id == roots[0].span_id
            );
        }
        Self {
            root: roots[0],
            children,
        }
    }

    fn agrees(&self, exchange: &Value) {
        let root = self.root;
        let found = self.children.iter().map(|span| {
            let took_ns = span.end_time_unix_nano - span.start_time_unix_nano;
            (span.name.clone(), took_ns.to_string())
        });
        let wholes = ["first_reply", "complete"].into_iter().filter_map(|name| {
            let ns = attribute(&root.attributes, &format!("netlink.{name}_ns"))?;
            Some((name.to_owned(), ns))
        });
        let found: BTreeMap<_, _> = found.chain(wholes).collect();
        let wanted = exchange["spans"].as_object().expect("spans").iter();
        // A line also has the first reply under an older name.
        let wanted: BTreeMap<_, _> = wanted
            .filter(|(name, _)| *name != "total")
            .map(|(name, ns)| (name.clone(), ns.to_string()))
            .collect();
        assert_eq!(found, wanted, "{exchange}");
        for (name, field) in [
            ("process.pid", "pid"),
            ("process.command", "comm"),
            ("netlink.protocol", "protocol"),
            ("netlink.portid", "portid"),
        ] {
            let wanted = &exchange[field];
            let wanted = wanted
                .as_str()
                .map_or_else(|| wanted.to_string(), str::to_owned);
            assert_eq!(attribute(&root.attributes, name), Some(wanted), "{name}");
        }
        let replies = exchange["replies"].as_array().expect("replies");
        let answers = root
            .events
            .iter()
            .filter(|event| event.name == "answer")
            .count();
        let untold = usize::try_from(root.dropped_events_count).expect("few");
        assert_eq!(answers + untold, replies.len());
        let is_error = root
            .status
            .as_ref()
            .is_some_and(|status| status.code() == StatusCode::Error);
        let went_wrong = matches!(
            exchange["status"].as_str(),
            Some("refused" | "failed" | "lost")
        );
        assert_eq!(is_error, went_wrong, "{exchange}");
    }
}

#[test]
fn a_recorded_watch() {
    let file = committed("v1-watch.greet");
    agree(&file, boot_ns(&file));
}

#[test]
fn recorded_greetings() {
    let file = committed("v1-greetings.greet");
    agree(&file, boot_ns(&file));
}

#[test]
fn many_exchanges() {
    agree(of(2_000).path(), 1_700_000_000_000_000_000);
}

fn boot_ns(file: &Path) -> u64 {
    let mut command = std::process::Command::new(crate::program::program());
    let output = command
        .arg("replay")
        .arg(file)
        .args(["-q", "--format", "json"])
        .output();
    let out = String::from_utf8(output.expect("greet-user starts").stdout).expect("UTF-8");
    let start: Value = serde_json::from_str(out.lines().next().expect("a line")).expect("JSON");
    start["boot_time_unix_ns"].as_u64().expect("a time")
}

#[test]
fn a_refused_request_in_words() {
    let receiver = Receiver::start(|_| Reply::Taken);
    Sending::start(of(3).path(), &receiver.url()).ends();
    let received = receiver.received();
    let spans = received.spans();
    let root = spans.iter().rfind(|span| span.parent_span_id.is_empty());
    let root = root.expect("a root");
    assert_eq!(
        (root.name.as_str(), root.kind()),
        ("route RTM_GETLINK", SpanKind::Client)
    );
    let status = root.status.as_ref().expect("a status");
    assert_eq!(status.message, "EEXIST: File exists; twice");
    let error = attribute(&root.attributes, "error.type");
    assert_eq!(error.as_deref(), Some("EEXIST"));
    let names: Vec<_> = root
        .events
        .iter()
        .map(|event| event.name.as_str())
        .collect();
    assert_eq!(names, ["extack", "answer"]);
    let handler = spans
        .iter()
        .find(|span| span.name == "handler")
        .expect("a handler");
    assert_eq!(handler.kind(), SpanKind::Server);
}

#[test]
fn the_same_run_has_the_same_ids_and_its_environment_is_heard() {
    let file = of(10);
    let receiver = Receiver::start(|_| Reply::Taken);
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret%20word"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment=lab,os.version=9",
        ),
        ("OTEL_SERVICE_NAME", "netlink"),
    ];
    Sending::with(file.path(), &receiver.url(), &variables).ends();
    Sending::start(file.path(), &receiver.url()).ends();
    let received = receiver.received();
    assert!(
        received.heads[0].starts_with("POST /v1/traces\n"),
        "{}",
        received.heads[0]
    );
    assert!(
        received.heads[0].contains("\"x-key\": \"secret word\""),
        "{}",
        received.heads[0]
    );
    let of_request = |at: usize| &received.taken[at].resource_spans[0];
    let said = |at: usize, name: &str| {
        let resource = of_request(at).resource.as_ref().expect("a resource");
        attribute(&resource.attributes, name)
    };
    assert_eq!(said(0, "service.name").as_deref(), Some("netlink"));
    assert_eq!(said(0, "deployment.environment").as_deref(), Some("lab"));
    assert_eq!(said(0, "os.version").as_deref(), Some("9"));
    assert_eq!(said(1, "service.name").as_deref(), Some("greet-user"));
    assert_eq!(said(1, "os.version").as_deref(), Some("6.12.1-test"));
    assert_eq!(
        said(1, "host.name"),
        None,
        "the recording's machine is not this one"
    );
    assert_eq!(of_request(0).scope_spans, of_request(1).scope_spans);
}
