// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a report holds, read as a browser reads it.

mod agreement;
mod keeping;

use std::io::{self, Read as _, Write};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use greet_trace::{
    event::{Event, samples::greeting},
    journey::Journey,
    run::{Run, System},
    statistics::Spans,
    tracer::Attached,
};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::output::Json;

/// A page in memory.
struct Page<'a>(&'a mut Vec<u8>);

impl Write for Page<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Finish for Page<'_> {
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn system() -> System {
    System {
        tool: "greet-user 0.1.0".to_owned(),
        kernel: "6.12.1-test".to_owned(),
        boot_time_unix_ns: 1_700_000_000_000_000_000,
        attached: Attached {
            hooks: vec!["fentry:netlink_unicast".to_owned()],
            ..Attached::default()
        },
    }
}

/// The page of these events, made by `command`; `beside` gets the same updates.
fn page(
    events: impl IntoIterator<Item = Event>,
    limit: u32,
    command: &str,
    beside: &mut dyn View,
) -> String {
    let mut out = Vec::new();
    let mut report = Report::new(Page(&mut out), limit, command.to_owned());
    let mut spans = Spans::default();
    let mut journey = Journey::new(true);
    let opening = Opening {
        began_ns: u64::MAX,
        deliveries: true,
        run: Run::Watch(system()),
    };
    report.open(&opening).expect("writes to memory");
    let mut emit = |update: Update<'_>| {
        let callback = Some("netlink_recv_msg_fn");
        report.update(&update, callback).expect("writes to memory");
        beside.update(&update, callback).expect("writes to memory");
        if let Update::Exchange(exchange) = update {
            spans.count(&exchange);
        }
    };
    for event in events {
        journey.push(event, &mut emit);
    }
    journey.finish(&mut emit);
    let observed = Summary {
        spans: spans.distributions(),
        totals: spans.totals(),
        ..Summary::default()
    };
    report.close(&observed).expect("writes to memory");
    drop(report);
    String::from_utf8(out).expect("UTF-8")
}

/// What stands between two marks.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let (_, behind) = page.split_once(from).expect(from);
    behind.split_once(to).expect(to).0
}

/// The data that a page holds.
fn data(page: &str) -> Value {
    let packed = between(page, "id=\"data\">", "</script>");
    let packed = STANDARD.decode(packed).expect("base64");
    let mut text = String::new();
    let read = GzDecoder::new(&*packed).read_to_string(&mut text);
    read.expect("gzip");
    serde_json::from_str(&text).expect("JSON")
}

/// Shows nothing.
fn nobody() -> Json<io::Sink> {
    Json::new(io::sink(), true)
}

/// A greeting with this text, from a process with this name.
fn said_by(name: &[u8], text: &[u8]) -> [Event; 3] {
    let mut events = greeting(71, 1, 1_000);
    for event in &mut events {
        let (head, data) = match event {
            Event::Request(request) => (&mut request.head, Some(&mut request.datagram.data)),
            Event::Message(message) => (&mut message.head, Some(&mut message.datagram.data)),
            Event::Delivery(read) => (&mut read.head, None),
            Event::Loss(_) | Event::Extack(_) | Event::Close(_) => {
                unreachable!("a greeting has none")
            }
        };
        head.comm.fill(0);
        let len = name.len().min(15);
        head.comm[..len].copy_from_slice(&name[..len]);
        if let Some(data) = data {
            let room = &mut data[16..];
            let len = text.len().min(room.len());
            room[..len].copy_from_slice(&text[..len]);
        }
    }
    events
}

#[test]
fn the_policy_names_what_is_there() {
    let page = page(greeting(71, 1, 1_000), 9, "greet-user", &mut nobody());
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    for (name, from, to) in [
        ("script-src", "<script>", "</script>"),
        ("style-src", "<style>", "</style>"),
    ] {
        let hash = STANDARD.encode(Sha256::digest(between(&page, from, to)));
        assert!(
            policy.contains(&format!("{name} 'sha256-{hash}'")),
            "{policy}"
        );
    }
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!page.contains("{{"), "every place is filled");
    for fetched in ["src=", "href=\"h", "@import", "url(h", "//cdn"] {
        assert!(!page.contains(fetched), "{fetched}");
    }
}

#[test]
fn nothing_at_all_is_a_page_too() {
    let page = page([], 9, "greet-user watch", &mut nobody());
    assert_eq!(data(&page)["exchanges"], Value::Array(Vec::new()));
    assert!(page.contains("0 netlink exchanges"));
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "</script>",
        "<img onerror=x>",
        "\u{202e}",
        "\u{2028}",
        "\0",
        "\"'",
        "<!--",
        "&amp;",
    ];
    let word = proptest::sample::select(words.map(|word| word.as_bytes().to_vec()).to_vec());
    let bytes = proptest::collection::vec(any::<u8>(), 0..20);
    let pieces = proptest::collection::vec(proptest::prop_oneof![word, bytes], 0..5);
    pieces.prop_map(|pieces| pieces.concat())
}

proptest! {
    // Each case packs two pages.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_name_and_no_text_becomes_markup(name in hostile(), text in hostile(), command in hostile()) {
        let command = String::from_utf8_lossy(&command).into_owned();
        let plain = page(said_by(b"plain", b"Hello"), 9, "plain", &mut nobody());
        let other = page(said_by(&name, &text), 9, &command, &mut nobody());
        for mark in ['<', '>', '"'] {
            let count = |page: &str| page.matches(mark).count();
            prop_assert_eq!(count(&plain), count(&other));
        }
        let moves = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        prop_assert!(!other.contains(moves));
        let found = data(&other);
        let shown = greet_trace::event::escaped(name.split(|byte| *byte == 0).next().unwrap_or_default());
        let comm = found["exchanges"][0]["owner"]["comm"].as_str().unwrap_or_default();
        prop_assert!(name.len() > 15 || comm == shown, "{comm} {shown}");
    }
}
