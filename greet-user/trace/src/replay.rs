// SPDX-License-Identifier: MIT OR Apache-2.0
//! The exchanges of a recording: the same as those of the run that was recorded.

use std::{collections::VecDeque, fs::File, io::Read, path::Path};

use crate::{
    journey::{Exchange, Journey},
    recording::{Entry, Reader, RecordingError},
    run::Opening,
};

/// An iterator over the exchanges of a recording, in the order in which they ended. Needs neither
/// privileges nor anything from the kernel.
///
/// After a damaged frame it continues with the next one; at a truncation it ends, after the
/// exchanges that were still open.
///
/// ```
/// use greet_trace::{
///     Replay,
///     event::samples,
///     recording::Writer,
///     run::{Opening, Run, System},
///     tracer::Attached,
/// };
///
/// // A recording of one greeting, which `greet-user --trace --record FILE` writes otherwise.
/// let mut recording = Writer::new(Vec::new());
/// recording.opening(&Opening {
///     began_ns: 0,
///     deliveries: true,
///     run: Run::Watch(System::running("an example", Attached::default())),
/// })?;
/// for event in samples::greeting(71, 1, 0) {
///     recording.event(&event)?;
/// }
/// let recording = recording.into_inner()?;
///
/// // It has no end, which is the last thing that a replay finds.
/// let mut replay = Replay::of(&recording[..], "an example")?;
/// let exchange = replay.next().expect("one exchange")?;
/// assert_eq!(exchange.status().name(), "answered");
/// assert_eq!(exchange.stages().len(), 9);
/// assert!(replay.next().expect("no end").is_err());
/// assert!(replay.next().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Replay<R> {
    reader: Reader<R>,
    opening: Option<Opening>,
    journey: Option<Journey>,
    ended: VecDeque<Exchange>,
    /// Why the recording could not be read, for after the exchanges before that.
    failed: Option<RecordingError>,
}

impl Replay<File> {
    /// Opens a recording.
    ///
    /// # Errors
    /// [`RecordingError`] if it cannot be opened, or is not a recording that can be read here.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| RecordingError::Read {
            path: path.to_path_buf(),
            error,
        })?;
        Self::of(file, path)
    }
}

impl<R: Read> Replay<R> {
    /// Reads a recording from `input`, which errors call `path`.
    ///
    /// # Errors
    /// [`RecordingError`] if it is not a recording that can be read here.
    pub fn of(input: R, path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        Ok(Self {
            reader: Reader::open(input, path.as_ref())?,
            opening: None,
            journey: None,
            ended: VecDeque::new(),
            failed: None,
        })
    }

    /// What run it is: the kernel, and what was attached. Known from the first exchange on.
    #[must_use]
    pub const fn opening(&self) -> Option<&Opening> {
        self.opening.as_ref()
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Opening(opening) => {
                self.journey = Some(Journey::watching(opening.watched()));
                self.opening = Some(*opening);
            }
            Entry::Event(event) => {
                if let Some(journey) = &mut self.journey {
                    let ended = &mut self.ended;
                    journey.push(event, &mut |update| ended.extend(update.into_exchange()));
                }
            }
            Entry::Greeting { .. } | Entry::Dropped(_) | Entry::Closing(_) => {}
        }
    }

    /// Nothing follows: ends what is still open.
    fn finish(&mut self) {
        if let Some(mut journey) = self.journey.take() {
            let ended = &mut self.ended;
            journey.finish(&mut |update| ended.extend(update.into_exchange()));
        }
    }
}

impl<R: Read> Iterator for Replay<R> {
    type Item = Result<Exchange, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(exchange) = self.ended.pop_front() {
                return Some(Ok(exchange));
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            match self.reader.next() {
                Some(Ok(entry)) => self.take(entry),
                Some(Err(error)) => {
                    if !error.is_one_frame() {
                        self.finish();
                    }
                    self.failed = Some(error);
                }
                None if self.journey.is_some() => self.finish(),
                None => return None,
            }
        }
    }
}
