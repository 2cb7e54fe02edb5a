// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recordings to send.

use std::{io::Write as _, path::PathBuf};

use greet_common::event::{Delivery, Extack, Head, RecordKind};
use greet_trace::{
    event::{Datagram, Event, Loss, Message, Request},
    recording::Writer,
    run::{Closing, Opening, Run, System},
    tracer::Attached,
};
use tempfile::NamedTempFile;

/// A committed recording.
pub fn committed(name: &str) -> PathBuf {
    crate::package::recording(name)
}

/// A recording of this many exchanges, of which every third is refused and every fifth lost a
/// reply.
pub fn of(exchanges: u64) -> NamedTempFile {
    let mut writer = Writer::new(Vec::new());
    let system = System {
        tool: "greet-user".to_owned(),
        kernel: "6.12.1-test".to_owned(),
        boot_time_unix_ns: 1_700_000_000_000_000_000,
        attached: Attached::default(),
    };
    let opening = Opening {
        began_ns: 1,
        deliveries: true,
        run: Run::Watch(system),
    };
    writer.opening(&opening).expect("writes");
    for number in 1..=exchanges {
        let errno = if number.is_multiple_of(3) { -17 } else { 0 };
        for event in events(number, errno) {
            writer.event(&event).expect("writes");
        }
    }
    writer.closing(&Closing::default()).expect("writes");
    let mut file = NamedTempFile::new().expect("a file");
    let bytes = writer.into_inner().expect("writes");
    file.write_all(&bytes).expect("writes");
    file
}

fn events(number: u64, errno: i32) -> Vec<Event> {
    let head = |kind| Head {
        kind: kind as u32,
        protocol: 0,
        call: number,
        pid: 70,
        tid: 71,
        comm: *b"ip\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        sock: 7,
    };
    let seq = u32::try_from(number).expect("few");
    let datagram = |portid, peer_portid, words: [u32; 5]| Datagram {
        protocol: 0,
        netns: 1,
        portid,
        peer_portid,
        group: 0,
        len: 36,
        beyond: greet_trace::event::Beyond::default(),
        data: words.map(u32::to_ne_bytes).concat().into(),
    };
    let at = |step: u64| number * 1_000_000 + step * 1_000;
    let mut events = vec![Event::Message(Message {
        head: head(RecordKind::Message),
        skb: number,
        reply_ns: at(3),
        queue_ns: at(4),
        datagram: datagram(0, 71, [36, 2, seq, 71, errno.cast_unsigned()]),
    })];
    if number.is_multiple_of(5) {
        events.push(Event::Loss(Loss {
            head: head(RecordKind::Loss),
            time_ns: at(4),
            netns: 1,
            portid: 71,
            result: -105,
            overrun: 1,
            inode: 0,
            owner: None,
        }));
    }
    if errno != 0 {
        let mut text = [0; 128];
        text[..5].copy_from_slice(b"twice");
        events.push(Event::Extack(Extack {
            head: head(RecordKind::Extack),
            time_ns: at(3),
            text,
        }));
    }
    events.push(Event::Request(Request {
        head: head(RecordKind::Request),
        send_ns: at(0),
        cross_ns: at(1),
        handle_ns: at(2),
        handled_ns: at(5),
        sent_ns: at(6),
        result: 36,
        end: greet_trace::event::End::Returned,
        unqueued: 0,
        datagram: datagram(71, 0, [36, 18 | 5 << 16, seq, 71, 0]),
    }));
    events.push(Event::Delivery(Delivery {
        head: head(RecordKind::Delivery),
        skb: number,
        receive_ns: at(7),
        delivered_ns: at(8),
        result: 36,
        flags: 0,
        copied: 36,
        padding: 0,
    }));
    events
}
