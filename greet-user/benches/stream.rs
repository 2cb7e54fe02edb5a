// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the ring buffer's bytes to JSON lines: records per second on one core.
#![expect(missing_docs, reason = "criterion's macros write functions without")]

use std::{hint::black_box, io};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use greet_user::{journey::Journey, output::Json, stream::Stream, view::View as _};

/// Three records of a greeting, as the eBPF programs write them.
fn records(seq: u32) -> [Vec<u8>; 3] {
    let call = u64::from(seq) << 32 | 71;
    let header = |kind: u32, call: u64| {
        let mut bytes = [kind, 31].map(u32::to_ne_bytes).concat();
        bytes.extend(call.to_ne_bytes());
        bytes.extend([70_u32, 71].map(u32::to_ne_bytes).concat());
        bytes.extend(b"greet-user\0\0\0\0\0\0");
        bytes.extend(0xffff_8880_0000_1000_u64.to_ne_bytes());
        bytes
    };
    let numbers = |numbers: &[u64]| -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_ne_bytes())
            .collect()
    };
    let words =
        |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_ne_bytes()).collect() };
    let skb = 0xffff_8881_0000_0100_u64;
    let mut message = header(2, call);
    message.extend(numbers(&[skb, 4_000, 5_000]));
    message.extend(words(&[
        4_026_531_840,
        0,
        71,
        0,
        272,
        272,
        0,
        0,
        272,
        3,
        seq,
        0,
    ]));
    message.extend(b"Hello from the kernel! Msg from process 71 has been processed by kernel");
    message.resize(376, 0);
    let mut request = header(1, call);
    request.extend(numbers(&[1_000, 2_000, 3_000, 6_000, 7_000]));
    request.extend(words(&[36, 1, 4_026_531_840, 71, 0, 0, 36, 36, 0, 0]));
    request.extend(words(&[36, 5 << 16 | 20, seq, 71]));
    request.extend(b"Hello, how are you?\0");
    request.resize(128 + 64, 0);
    let mut delivery = header(3, call | 1 << 63);
    delivery.extend(numbers(&[skb, 8_000, 9_000]));
    delivery.extend(words(&[272, 0, 272, 0]));
    [message, request, delivery]
}

fn bytes_to_json(c: &mut Criterion) {
    let greetings: Vec<_> = (0..1_000).flat_map(records).collect();
    for record in &greetings {
        assert!(
            Stream::default().read(record, &mut |_| ()).is_ok(),
            "a record that cannot be read"
        );
    }
    let mut group = c.benchmark_group("stream");
    group.throughput(Throughput::Elements(greetings.len() as u64));
    group.bench_function("bytes to JSON", |bencher| {
        bencher.iter(|| {
            let mut journey = Journey::new(true);
            let mut json = Json::new(io::sink(), false);
            let mut stream = Stream::default();
            for record in black_box(&greetings) {
                let read = stream.read(record, &mut |event| {
                    journey.push(event, &mut |update| {
                        assert!(json.update(&update, Some("netlink_recv_msg_fn")).is_ok());
                    });
                });
                assert_eq!(read, Ok(()));
            }
            assert_eq!(journey.unmatched(), 0);
        });
    });
    group.finish();
}

criterion_group!(benches, bytes_to_json);
criterion_main!(benches);
