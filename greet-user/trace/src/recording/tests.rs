// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is written is read back; truncation and damage are detected, and their offset reported.

mod runs;

use proptest::{
    collection::vec,
    prelude::{any, prop_assert, prop_assert_eq, proptest},
    sample::Index,
};

use super::*;
use crate::{
    run::{Run, System},
    tracer::Attached,
};
use runs::run;

/// The recording of a run, and the offsets of its frames.
fn recorded(entries: &[Entry]) -> (Vec<u8>, Vec<usize>) {
    let mut offsets = Vec::new();
    let mut writer = Writer::new(Vec::new());
    for entry in entries {
        offsets.push(writer.written().len().max(HEADER));
        let result = match entry {
            Entry::Opening(opening) => writer.opening(opening),
            Entry::Event(event) => writer.event(event),
            Entry::Greeting { greeted, traced } => writer.greeting(greeted, *traced),
            Entry::Dropped(events) => writer.dropped(*events),
            Entry::Closing(closing) => writer.closing(closing),
        };
        result
            .and_then(|()| writer.flush())
            .expect("writes to memory");
    }
    (writer.written().clone(), offsets)
}

/// What can be read, and the first error.
fn read(bytes: &[u8]) -> (Vec<Entry>, Option<RecordingError>) {
    let mut entries = Vec::new();
    let reader = match Reader::open(bytes, "memory") {
        Ok(reader) => reader,
        Err(error) => return (entries, Some(error)),
    };
    for entry in reader {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => return (entries, Some(error)),
        }
    }
    (entries, None)
}

fn offset(error: &RecordingError) -> Option<usize> {
    match error {
        RecordingError::Truncated { offset, .. } | RecordingError::Damaged { offset, .. } => {
            usize::try_from(*offset).ok()
        }
        _ => None,
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(entries in run()) {
        let (bytes, _) = recorded(&entries);
        let (back, error) = read(&bytes);
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert_eq!(back, entries);
    }

    #[test]
    fn of_a_cut_recording_every_whole_frame_is_read(entries in run(), at: Index) {
        let (bytes, offsets) = recorded(&entries);
        let cut = at.index(bytes.len());
        let (back, error) = read(&bytes[..cut]);
        let ends = offsets.iter().skip(1).copied().chain([bytes.len()]);
        let whole = ends.take_while(|end| *end <= cut).count();
        prop_assert_eq!(&back, &entries[..whole]);
        let expected = match cut {
            0..HEADER => 0,
            _ => offsets[whole],
        };
        let error = error.expect("there is no end");
        let is_nothing = cut == 0 && matches!(error, RecordingError::NotARecording);
        prop_assert!(is_nothing || matches!(error, RecordingError::Truncated { .. }), "{error:?}");
        prop_assert!(is_nothing || offset(&error) == Some(expected), "{error:?}");
    }

    #[test]
    fn a_changed_byte_is_noticed_where_it_is(entries in run(), at: Index, change in 1_u8..) {
        let (mut bytes, offsets) = recorded(&entries);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let (back, error) = read(&bytes);
        let error = error.expect("it is noticed");
        if at < MAGIC.len() {
            prop_assert!(matches!(error, RecordingError::NotARecording), "{error:?}");
        } else {
            let frame = offsets.iter().rposition(|offset| *offset <= at);
            prop_assert_eq!(offset(&error), Some(frame.map_or(0, |frame| offsets[frame])));
            prop_assert_eq!(&back, &entries[..frame.unwrap_or(0)]);
        }
    }

    #[test]
    fn a_frame_behind_a_damaged_one_is_read(entries in run(), at: Index, change in 1_u8..) {
        let (mut bytes, offsets) = recorded(&entries);
        let frame = at.index(entries.len());
        // In the checksum: the length stays correct.
        bytes[offsets[frame] + 5] ^= change;
        let reader = Reader::open(&*bytes, "memory").expect("a header");
        let read: Vec<_> = reader.take(entries.len()).collect();
        for (number, (read, written)) in read.iter().zip(&entries).enumerate() {
            if number == frame || frame == 0 {
                prop_assert!(read.as_ref().is_err_and(RecordingError::is_one_frame));
            } else {
                prop_assert_eq!(read.as_ref().ok(), Some(written));
            }
        }
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in vec(any::<u8>(), 0..400), whole: bool) {
        let mut recording = header();
        if whole {
            // As if it were genuine: with its length and checksum.
            let len = u32::try_from(bytes.len()).expect("short").to_le_bytes();
            recording.extend(len);
            recording.extend(checksum(len, &bytes).to_le_bytes());
        }
        recording.extend(bytes);
        let mut reader = Reader::open(&*recording, "memory").expect("a header");
        prop_assert!(reader.by_ref().count() <= 400, "it ends");
        prop_assert!(reader.next().is_none());
    }
}

fn header() -> Vec<u8> {
    let entries = [Entry::Opening(Box::new(Opening {
        began_ns: 0,
        deliveries: true,
        run: Run::Watch(System {
            tool: String::new(),
            kernel: String::new(),
            boot_time_unix_ns: 0,
            attached: Attached::default(),
        }),
    }))];
    recorded(&entries).0[..HEADER].to_vec()
}

#[test]
fn a_later_version_is_named() {
    let mut bytes = header();
    bytes[8] = 3;
    let checksum = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    let (_, error) = read(&bytes);
    assert!(
        matches!(error, Some(RecordingError::Newer { version: 3 })),
        "{error:?}"
    );
}

#[test]
fn something_else_is_refused() {
    for bytes in [
        &b""[..],
        b"\x0a\x0d\x0d\x0a pcapng",
        b"{\"kind\":\"start\"}",
        b"GREET",
    ] {
        let (_, error) = read(bytes);
        let is_short = bytes == b"GREET" && matches!(error, Some(RecordingError::Truncated { .. }));
        assert!(
            is_short || matches!(error, Some(RecordingError::NotARecording)),
            "{error:?}"
        );
    }
}

#[test]
fn what_lies_behind_a_names_nul_is_not_recorded() {
    let [_, _, Event::Delivery(mut delivery)] = crate::event::samples::greeting(71, 1, 1) else {
        panic!("a greeting ends with its delivery");
    };
    let clean = delivery;
    delivery.head.comm[12..].copy_from_slice(b"junk");
    let frame = |delivery| recorded(&[Entry::Event(Event::Delivery(delivery))]).0;
    assert_eq!(frame(delivery), frame(clean));
}

#[test]
fn a_full_disk_is_an_error_and_not_a_loss() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let mut writer = Writer::new(full);
    let [_, _, event] = crate::event::samples::greeting(71, 1, 1);
    let first = (0..100_000).find_map(|_| writer.event(&event).err());
    let error = first.expect("a buffer is not without end");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(writer.flush().is_err());
}
