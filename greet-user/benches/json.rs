// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a recording to JSON lines, by the program itself: records per second on one core.
#![expect(missing_docs, reason = "criterion's macros write functions without")]

use std::{
    fs::File,
    process::{Command, Stdio},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use greet_trace::{
    event::samples::greeting,
    recording::Writer,
    run::{Closing, Opening, Run, System},
    tracer::Attached,
};

/// Enough that starting the program does not count.
const GREETINGS: u32 = 100_000;
/// The events of a greeting.
const RECORDS: u64 = 3;

/// Writes a recording of greetings, one every 100 µs.
fn record(file: &File) {
    let mut writer = Writer::new(file);
    let opening = Opening {
        began_ns: 1,
        deliveries: true,
        run: Run::Watch(System::running("greet-user", Attached::default())),
    };
    writer.opening(&opening).expect("writes");
    for seq in 1..=GREETINGS {
        for event in greeting(71, seq, u64::from(seq) * 100_000) {
            writer.event(&event).expect("writes");
        }
    }
    writer.closing(&Closing::default()).expect("writes");
}

fn recording_to_json(c: &mut Criterion) {
    let recording = tempfile::NamedTempFile::new().expect("a file");
    record(recording.as_file());
    let mut group = c.benchmark_group("json");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(GREETINGS) * RECORDS));
    group.bench_function("recording to JSON", |bencher| {
        bencher.iter(|| {
            let mut replay = Command::new(env!("CARGO_BIN_EXE_greet-user"));
            replay.args(["replay", "--format", "json"]);
            replay.arg(recording.path()).stdout(Stdio::null());
            let status = replay.status().expect("greet-user starts");
            assert!(status.success(), "{status}");
        });
    });
    group.finish();
}

criterion_group!(benches, recording_to_json);
criterion_main!(benches);
