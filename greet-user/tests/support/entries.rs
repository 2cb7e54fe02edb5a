// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes recordings apart and puts them together again.

use std::{fs::File, path::Path};

use greet_trace::recording::{Entry, Reader, Writer};

/// The entries of a recording.
pub fn entries(path: &Path) -> Vec<Entry> {
    let reader = Reader::open(File::open(path).expect("a recording"), path);
    let entries = reader.expect("a recording");
    entries.map(|entry| entry.expect("a whole one")).collect()
}

/// A recording of these entries.
pub fn recorded(entries: impl IntoIterator<Item = Entry>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for entry in entries {
        match entry {
            Entry::Opening(opening) => writer.opening(&opening),
            Entry::Event(event) => writer.event(&event),
            Entry::Greeting { greeted, traced } => writer.greeting(&greeted, traced),
            Entry::Dropped(events) => writer.dropped(events),
            Entry::Closing(closing) => writer.closing(&closing),
        }
        .expect("writes to memory");
    }
    writer.into_inner().expect("writes to memory")
}
