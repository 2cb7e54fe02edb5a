// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing events to a recording and reading them back: events per second on one core.
#![expect(missing_docs, reason = "criterion's macros write functions without")]

use std::{fs::File, hint::black_box, io::Seek as _};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use greet_trace::{
    event::{Event, samples::greeting},
    recording::{Reader, Writer},
    run::{Opening, Run, System},
    tracer::Attached,
};

fn opening() -> Opening {
    Opening {
        began_ns: 1,
        deliveries: true,
        run: Run::Watch(System::running("greet-user", Attached::default())),
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
    let events: Vec<_> = (1..=100_000)
        .flat_map(|seq| greeting(71, seq, u64::from(seq) * 100_000))
        .collect();
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
