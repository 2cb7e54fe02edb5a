// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several requests in one datagram, and messages without a netlink header.

use greet_trace::event::{Event, samples::bytes};

use super::{shapes, watched};
use crate::output::RenderOptions;

/// Two requests in one datagram; the second is refused with an extended ACK.
fn two_requests() -> Vec<Event> {
    let mut events = shapes::refused();
    for event in &mut events {
        if let Event::Request(request) = event {
            let first = bytes(16, 1, 1_699_999_999, 0, &[0; 16]);
            let both = [&first, &*request.datagram.data].concat();
            request.datagram.len = u32::try_from(both.len()).expect("short");
            request.datagram.data = both.into();
        }
    }
    events
}

/// A kernel uevent, to the listener at port 71.
fn uevent() -> Vec<Event> {
    let mut events = shapes::refused();
    events.retain(|event| matches!(event, Event::Message(_)));
    for event in &mut events {
        if let Event::Message(message) = event {
            message.head.call = 0;
            message.datagram.protocol = 15;
            message.datagram.group = 1;
            message.datagram.data = b"change@/devices/x\0ACTION=change\0"[..].into();
            message.datagram.len = 32;
        }
    }
    events
}

fn render(oneline: bool) -> RenderOptions {
    RenderOptions {
        oneline,
        width: 180,
        ..RenderOptions::default()
    }
}

#[test]
fn each_request_of_a_datagram_is_shown_with_its_reason() {
    let text = watched(&two_requests(), render(true));
    let lines: Vec<_> = text.lines().collect();
    let of = |seq: &str| {
        lines
            .iter()
            .filter(|line| line.contains(seq))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("1699999999").len(), 1, "{text}");
    let [asked, refused] = of("1700000000")[..] else {
        panic!("{text}");
    };
    assert!(asked.contains("in the same datagram"), "{text}");
    assert!(
        refused.contains("ENODEV") && refused.contains("does not exist"),
        "{text}"
    );
    let ladder = watched(&two_requests(), render(false));
    assert!(
        ladder.contains("extended ACK to seq 1700000000:"),
        "{ladder}"
    );
}

#[test]
fn a_uevent_is_text() {
    for oneline in [true, false] {
        let text = watched(&uevent(), render(oneline));
        assert!(text.contains("change@/devices/x ACTION=change"), "{text}");
        assert!(!text.contains("seq 1"), "no header made of letters: {text}");
    }
}
