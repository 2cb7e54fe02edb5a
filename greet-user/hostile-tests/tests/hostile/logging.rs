// SPDX-License-Identifier: MIT OR Apache-2.0
//! The module's messages in the kernel log.

use std::time::Instant;

use crate::{
    arena::hostile,
    client::Client,
    kernel_log::KernelLog,
    model::Tally,
    module::{self, PATIENCE},
    report::factor,
    wire::Message,
};

/// The longest line: the fixed part with the longest numbers, and 64 bytes as `\xxx`, whose
/// backslash `/dev/kmsg` shows as `\x5c`.
const LONGEST_LINE: usize = 200 + 64 * 7;

#[test]
fn text_is_bounded_and_printable() {
    hostile(|| {
        let client = Client::open();
        let evil = b"MARK\n<0>Kernel panic\x1b[2J\x07\x9b\xff\xc3\xa4 %s%n\\";
        let mut text = evil.to_vec();
        text.resize(5_000, 0x1b);
        let (line, tally) = logged(&client, &text);
        assert!(line.len() < LONGEST_LINE, "{} bytes: {line}", line.len());
        // Escaped by the module: if left to /dev/kmsg, they would read \x0a and \x1b.
        for raw in ["\\x0a", "\\x1b", "\\x07", "\\x9b", "\\xff", "\\xc3"] {
            assert!(
                !line.contains(raw),
                "{raw} is in the log as it came: {line}"
            );
        }
        let begins =
            "MARK\\x5cn<0>Kernel panic\\x5ce[2J\\x5ca\\x5c233\\x5c377\\x5c303\\x5c244 %s%n";
        assert!(line.contains(begins), "{line}");
        assert!(
            line.contains("5000 bytes") && line.ends_with("..."),
            "{line}"
        );
        tally
    });
}

#[test]
fn header_fields_are_shown() {
    hostile(|| {
        let client = Client::open();
        let (line, tally) = logged(&client, b"MARK me");
        let fields = ["type 20", "flags 0x5", "seq 77", "pid 4242", "7 bytes"];
        let port = format!("port {}:", client.port);
        for field in fields.into_iter().chain([port.as_str()]) {
            assert!(line.contains(field), "{field} is missing: {line}");
        }
        tally
    });
}

/// Sends `text`, which contains MARK, until the rate limit lets it into the log.
fn logged(client: &Client, text: &[u8]) -> (String, Tally) {
    let deadline = Instant::now() + PATIENCE;
    let mut log = KernelLog::from_now();
    let mut tally = Tally::default();
    loop {
        let greeting = Message {
            portid: 4242,
            ..Message::greeting(77, text)
        };
        tally += client.exchange(&greeting.bytes());
        if let Some(line) = log.lines().into_iter().find(|line| line.contains("MARK")) {
            return (line, tally);
        }
        assert!(Instant::now() < deadline, "{text:?} never shows in the log");
    }
}

/// Ten lines of each of three kinds per five seconds, plus one that counts the suppressed ones.
#[test]
fn cannot_be_flooded() {
    hostile(|| {
        let client = Client::open();
        let mut log = KernelLog::from_now();
        let start = Instant::now();
        let mut tally = Tally::default();
        for seq in 0..10_000 * u32::try_from(factor()).expect("a small factor") {
            tally += client.greet(seq);
            tally += client.exchange(b"too short");
        }
        let periods = start.elapsed().as_secs() / 5 + 2;
        let own = |line: &String| line.contains(module::NAME) || line.contains("suppressed");
        let lines = log.lines().iter().filter(|line| own(line)).count() as u64;
        assert!(
            lines <= periods * 3 * 11,
            "{lines} lines for {} messages",
            tally.received
        );
        assert!(lines > 0, "and yet something is logged");
        tally
    });
}
