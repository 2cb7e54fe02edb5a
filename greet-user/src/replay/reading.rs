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

use crate::recording::{Entry, Reader, RecordingError};

/// How many entries are handed over at once at most.
const BATCH: usize = 1024;
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
    while let Some(read) = reader.next() {
        batch.push(read);
        if (batch.len() >= BATCH || !reader.is_ahead())
            && sender.blocking_send(std::mem::take(&mut batch)).is_err()
        {
            return; // nobody reads on
        }
    }
    if !batch.is_empty() {
        drop(sender.blocking_send(batch));
    }
}
