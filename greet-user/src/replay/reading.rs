// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads ahead in a thread: reading from a pipe may block indefinitely, and nothing else should
//! wait for it.

use std::{
    fs::File,
    io::{Read, stdin},
    path::Path,
    thread,
};

#[cfg(feature = "top")]
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use greet_trace::{
    event::Event,
    recording::{Entry, Reader, RecordingError},
};

/// Maximum number of entries per batch.
const BATCH: usize = 1024;
/// Maximum bytes of messages per batch, unless a single message is larger: a frame of a few bytes
/// may represent many, because trailing zeros are omitted.
const BATCH_BYTES: usize = 1 << 20;
/// Number of batches to read ahead.
const AHEAD: usize = 4;

/// An entry, or why it could not be read.
pub(crate) type ReadEntry = Result<Entry, RecordingError>;

/// A recording being read.
pub(crate) struct Reading {
    batches: Receiver<Vec<ReadEntry>>,
}

impl Reading {
    /// Opens the recording and starts reading it; `-` is standard input.
    pub(crate) fn start(path: &Path) -> Result<Self, RecordingError> {
        let failed = |error| RecordingError::Read {
            path: path.to_path_buf(),
            error,
        };
        let (sender, batches) = channel(AHEAD);
        if path == Path::new("-") {
            spawn(stdin(), "standard input".into(), sender)
        } else {
            let file = File::open(path).map_err(failed)?;
            spawn(file, path.into(), sender)
        }
        .map_err(failed)?;
        Ok(Self { batches })
    }

    /// The next entries, if any are already available; `None` after the last.
    #[cfg(feature = "top")]
    pub(crate) fn there(&mut self) -> Option<Vec<ReadEntry>> {
        match self.batches.try_recv() {
            Ok(batch) => Some(batch),
            Err(TryRecvError::Empty) => Some(Vec::new()),
            Err(TryRecvError::Disconnected) => None,
        }
    }

    /// The next entries in order, as they arrive; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Vec<ReadEntry>> {
        self.batches.recv().await
    }
}

/// The thread is not joined: it ends with the process.
fn spawn(
    input: impl Read + Send + 'static,
    name: std::path::PathBuf,
    sender: Sender<Vec<ReadEntry>>,
) -> std::io::Result<()> {
    let read = move || match Reader::open(input, name) {
        Ok(reader) => hand_over(reader, &sender),
        Err(error) => drop(sender.blocking_send(vec![Err(error)])),
    };
    let builder = thread::Builder::new().name("reading".to_owned());
    builder.spawn(read).map(drop)
}

/// Sends entries as soon as reading more would block.
fn hand_over<R: Read>(mut reader: Reader<R>, sender: &Sender<Vec<ReadEntry>>) {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while let Some(read) = reader.next() {
        bytes += read.as_ref().map_or(0, weight);
        batch.push(read);
        if batch.len() >= BATCH || bytes >= BATCH_BYTES || !reader.is_ahead() {
            bytes = 0;
            if sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                return; // nobody reads on
            }
        }
    }
    if !batch.is_empty() {
        drop(sender.blocking_send(batch));
    }
}

/// Size of an entry's message in bytes.
fn weight(entry: &Entry) -> usize {
    match entry {
        Entry::Event(Event::Request(request)) => request.datagram.data.len(),
        Entry::Event(Event::Message(message)) => message.datagram.data.len(),
        _ => 0,
    }
}
