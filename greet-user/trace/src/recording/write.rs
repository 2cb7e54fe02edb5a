// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes a recording, frame by frame.

use std::io::{self, BufWriter, Write};

use super::{
    BODY_MAX, FRAME_HEAD, HEADER, MAGIC, VERSION, checksum,
    v1::{Body, Greeting},
    v2::{self, Addition},
};
use crate::{
    event::Event,
    greeting::Greeted,
    run::{Closing, Opening},
};

/// Size of the buffer that collects frames before they are written; all but the longest fit.
const BUFFER: usize = 1 << 18;

/// Writes a recording. Errors are returned at once, except while the buffer is not yet full: then
/// by [`Self::flush`] at the latest.
pub struct Writer<W: Write> {
    out: BufWriter<W>,
    frame: Vec<u8>,
    dropped: u64,
}

impl<W: Write> Writer<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out: BufWriter::with_capacity(BUFFER, out),
            frame: Vec::new(),
            dropped: 0,
        }
    }

    /// What it writes to.
    #[must_use]
    pub fn get_ref(&self) -> &W {
        self.out.get_ref()
    }

    /// What run it is: first, and once.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        let checksum = crc32fast::hash(&header[..12]);
        header[12..].copy_from_slice(&checksum.to_le_bytes());
        self.out.write_all(&header)?;
        self.frame(&Body::from(opening))?;
        self.flush()
    }

    /// An event.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        self.frame_with(&Body::from(event), v2::additions(event))
    }

    /// What the client knows of a greeting whose events have been written, and whether the
    /// tracer was asked.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn greeting(&mut self, greeted: &Greeted, traced: bool) -> io::Result<()> {
        self.frame(&Body::Greeting(Greeting::of(greeted, traced)))
    }

    /// How many events have been dropped so far; written if it has changed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn dropped(&mut self, events: u64) -> io::Result<()> {
        if self.dropped == events {
            return Ok(());
        }
        self.dropped = events;
        self.frame(&Body::Dropped(events))
    }

    /// How it ended: last.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn closing(&mut self, closing: &Closing) -> io::Result<()> {
        self.frame(&Body::Closing(closing.into()))?;
        self.flush()
    }

    /// Writes the buffered frames.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes the buffered frames, and returns the output.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn into_inner(self) -> io::Result<W> {
        self.out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
    }

    /// What has reached the output.
    #[cfg(test)]
    pub(super) fn written(&self) -> &W {
        self.out.get_ref()
    }

    fn frame(&mut self, body: &Body<'_>) -> io::Result<()> {
        self.frame_with(body, std::iter::empty())
    }

    fn frame_with(
        &mut self,
        body: &Body<'_>,
        additions: impl Iterator<Item = Addition>,
    ) -> io::Result<()> {
        let mut frame = std::mem::take(&mut self.frame);
        frame.clear();
        frame.resize(FRAME_HEAD, 0);
        let mut frame = postcard::to_extend(body, frame).map_err(io::Error::other)?;
        for addition in additions {
            frame = postcard::to_extend(&addition, frame).map_err(io::Error::other)?;
        }
        let len = frame.len() - FRAME_HEAD;
        let stated = u32::try_from(len).ok().filter(|_| len <= BODY_MAX);
        let stated = stated.ok_or(io::ErrorKind::FileTooLarge)?.to_le_bytes();
        let checksum = checksum(stated, &frame[FRAME_HEAD..]);
        frame[..4].copy_from_slice(&stated);
        frame[4..FRAME_HEAD].copy_from_slice(&checksum.to_le_bytes());
        // In one piece: the buffer never holds part of a frame when it is written.
        let written = self.out.write_all(&frame);
        self.frame = frame;
        written
    }
}
