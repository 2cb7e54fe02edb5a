// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads ahead in a thread: reading from a pipe may take for ever, and nothing else is to
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

use crate::{
    event::Event,
    recording::{Entry, Reader, RecordingError},
};

/// How many entries are handed over at once at most.
const BATCH: usize = 1024;
/// Bytes of messages that are handed over at once at most, but for one that has more: a frame
/// of a few bytes may stand for many, because zeros at the end are left out.
const BATCH_BYTES: usize = 1 << 20;
/// How many batches are read ahead.
const AHEAD: usize = 4;

/// One entry, or why there is none.
pub(crate) type ReadEntry = Result<Entry, RecordingError>;

/// A recording that is being read.
pub(crate) struct Reading {
    batches: Receiver<Vec<ReadEntry>>,
}

impl Reading {
    /// Opens the recording and begins to read it; `-` is standard input.
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

    /// The next entries, if there are some already; `None` behind the last.
    #[cfg(feature = "top")]
    pub(crate) fn there(&mut self) -> Option<Vec<ReadEntry>> {
        match self.batches.try_recv() {
            Ok(batch) => Some(batch),
            Err(TryRecvError::Empty) => Some(Vec::new()),
            Err(TryRecvError::Disconnected) => None,
        }
    }

    /// The next entries as they come, in their order; `None` behind the last.
    pub(crate) async fn next(&mut self) -> Option<Vec<ReadEntry>> {
        self.batches.recv().await
    }
}

/// The thread is not waited for: it ends with the process.
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

/// Hands entries over as soon as there is nothing more without waiting.
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

/// Bytes of an entry's message.
fn weight(entry: &Entry) -> usize {
    match entry {
        Entry::Event(Event::Request(request)) => request.datagram.data.len(),
        Entry::Event(Event::Message(message)) => message.datagram.data.len(),
        _ => 0,
    }
}
