// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing events to a recording and reading them back: events per second on one core.
#![expect(missing_docs, reason = "criterion's macros write functions without")]

use std::{fs::File, hint::black_box, io::Seek as _};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use greet_user::{
    event::{Datagram, Delivery, Event, Head, Message, Request},
    recording::{Reader, Writer},
};

fn head(kind: u32, call: u64) -> Head {
    Head {
        kind,
        protocol: 31,
        call,
        pid: 70,
        tid: 71,
        comm: *b"greet-user\0\0\0\0\0\0",
        sock: 0xffff_8880_0000_1000,
    }
}

fn datagram(portid: u32, peer_portid: u32, payload: &[u8], len: usize) -> Datagram {
    let mut data = vec![0x10; 16];
    data.extend(payload);
    data.resize(len, 0);
    Datagram {
        protocol: 31,
        netns: 4_026_531_840,
        portid,
        peer_portid,
        group: 0,
        len: u32::try_from(len).expect("short"),
        beyond: greet_user::event::Beyond::default(),
        data: data.into(),
    }
}

/// The three events of a greeting, hours after boot.
fn greeting(seq: u64) -> [Event; 3] {
    let at = |step: u64| 12_345_678_901_234 + seq * 100_000 + step * 1_000;
    let (call, skb) = (seq << 32 | 71, 0xffff_8881_0000_0100);
    let answer = b"Hello from the kernel! Msg from process 71 has been processed by kernel";
    [
        Event::Message(Message {
            head: head(2, call),
            skb,
            reply_ns: at(3),
            queue_ns: at(4),
            datagram: datagram(0, 71, answer, 272),
        }),
        Event::Request(Request {
            head: head(1, call),
            send_ns: at(0),
            cross_ns: at(1),
            handle_ns: at(2),
            handled_ns: at(5),
            sent_ns: at(6),
            result: 36,
            end: greet_user::event::End::Returned,
            unqueued: 0,
            datagram: datagram(71, 0, b"Hello, how are you?\0", 36),
        }),
        Event::Delivery(Delivery {
            head: head(3, call | 1 << 63),
            skb,
            receive_ns: at(7),
            delivered_ns: at(8),
            result: 272,
            flags: 0,
            copied: 272,
            padding: 0,
        }),
    ]
}

fn opening() -> greet_user::run::Opening {
    greet_user::run::Opening {
        began_ns: 1,
        deliveries: true,
        run: greet_user::run::Run::Watch(greet_user::run::System {
            tool: "greet-user".to_owned(),
            kernel: "6.12".to_owned(),
            boot_time_unix_ns: 0,
            attached: greet_user::tracer::Attached::default(),
        }),
    }
}

fn write(events: &[Event], file: &File) {
    let mut writer = Writer::new(file);
    writer.opening(&opening()).expect("writes");
    for event in events {
        writer.event(event).expect("writes");
    }
    writer.flush().expect("writes");
}

fn events_to_file_and_back(c: &mut Criterion) {
    let events: Vec<_> = (0..100_000).flat_map(greeting).collect();
    let mut file = tempfile::tempfile().expect("a file");
    write(&events, &file);
    let len = file.stream_position().expect("a file");
    println!("{} bytes an event", len / events.len() as u64);
    let mut group = c.benchmark_group("recording");
    group.sample_size(20);
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("events to file", |bencher| {
        bencher.iter(|| {
            file.rewind().expect("a file");
            write(black_box(&events), &file);
        });
    });
    group.bench_function("file to events", |bencher| {
        bencher.iter(|| {
            file.rewind().expect("a file");
            let reader = Reader::open(&file, "file").expect("a recording");
            assert_eq!(reader.filter(Result::is_ok).count(), events.len() + 1);
        });
    });
    group.finish();
}

criterion_group!(benches, events_to_file_and_back);
criterion_main!(benches);
