// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a recording, frame by frame, and trusts none of it unchecked.

use std::{
    io::{self, BufReader, Read},
    path::PathBuf,
};

use super::{BODY_MAX, Entry, FRAME_HEAD, HEADER, MAGIC, RecordingError, checksum, v1, v2};

/// Bytes read at once.
const BUFFER: usize = 1 << 16;

/// Reads a recording: an iterator over its entries. After a damaged frame it continues with the
/// next one, if there is one; at a truncation it ends.
#[derive(Debug)]
pub struct Reader<R> {
    input: BufReader<R>,
    path: PathBuf,
    offset: u64,
    at: At,
    version: u32,
    body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Begin,
    Midst,
    /// After the closing frame.
    End,
    /// Nothing more can be read.
    Over,
}

impl<R: Read> Reader<R> {
    /// Reads from `input`, which errors call `path`.
    ///
    /// # Errors
    /// [`RecordingError`] if it is not a recording that can be read here.
    pub fn open(input: R, path: impl Into<PathBuf>) -> Result<Self, RecordingError> {
        let mut reader = Self {
            input: BufReader::with_capacity(BUFFER, input),
            path: path.into(),
            offset: 0,
            at: At::Begin,
            version: 0,
            body: Vec::new(),
        };
        reader.header()?;
        Ok(reader)
    }

    /// Is the next whole frame already buffered, so that reading it does not block?
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        let buffer = self.input.buffer();
        let Some((stated, _)) = buffer.split_first_chunk() else {
            return false;
        };
        let len = usize::try_from(u32::from_le_bytes(*stated)).unwrap_or(usize::MAX);
        buffer.len() >= len.saturating_add(FRAME_HEAD)
    }

    fn header(&mut self) -> Result<(), RecordingError> {
        let mut header = [0; HEADER];
        let read = self.fill(&mut header)?;
        let magic = &header[..read.min(MAGIC.len())];
        if magic.is_empty() || !MAGIC.starts_with(magic) {
            return Err(RecordingError::NotARecording);
        }
        if read < HEADER {
            return Err(self.truncated("it ends within its header"));
        }
        let number = |at: usize| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&header[at..at + 4]);
            u32::from_le_bytes(bytes)
        };
        let (version, expected) = (number(8), number(12));
        if crc32fast::hash(&header[..12]) != expected {
            return Err(self.damaged("the header's checksum is wrong"));
        }
        match version {
            1..=super::VERSION => {
                self.version = version;
                self.offset = HEADER as u64;
                Ok(())
            }
            0 => Err(self.damaged("there is no version 0")),
            version => Err(RecordingError::Newer { version }),
        }
    }

    fn frame(&mut self) -> Result<Option<Entry>, RecordingError> {
        let mut head = [0; FRAME_HEAD];
        match self.fill(&mut head)? {
            0 if self.at == At::End => return Ok(None),
            0 => return Err(self.truncated("it has no closing frame")),
            FRAME_HEAD => {}
            _ => return Err(self.truncated("it ends within a frame's head")),
        }
        if self.at == At::End {
            return Err(self.over("data follows its end"));
        }
        let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
        let stated = [l0, l1, l2, l3];
        let len = usize::try_from(u32::from_le_bytes(stated)).unwrap_or(usize::MAX);
        if len > BODY_MAX {
            return Err(self.over("a frame has an impossible length"));
        }
        self.body.clear();
        // Grows with the bytes that are there, not with what a damaged length says.
        let mut body = self.input.by_ref().take(len as u64);
        let read = body.read_to_end(&mut self.body);
        if read.map_err(|error| self.failed(error))? < len {
            return Err(self.truncated("it ends within a frame"));
        }
        let offset = self.offset;
        self.offset += (FRAME_HEAD + len) as u64;
        let damaged = |what| RecordingError::Damaged { offset, what };
        if checksum(stated, &self.body) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(damaged("a frame's checksum is wrong"));
        }
        let (body, rest) = postcard::take_from_bytes::<v1::Body<'_>>(&self.body)
            .map_err(|_| damaged("a frame's content is not of a known kind"))?;
        if self.version == 1 && !rest.is_empty() {
            return Err(damaged("a frame is longer than its content"));
        }
        if let v1::Body::Opening(opening) = &body
            && !opening.has_our_byte_order()
        {
            return Err(RecordingError::ByteOrder);
        }
        let mut entry = body.entry().map_err(damaged)?;
        v2::add(&mut entry, rest).map_err(damaged)?;
        let is_first = matches!(entry, Entry::Opening(_));
        if is_first != (self.at == At::Begin) {
            return Err(damaged("a frame is out of place"));
        }
        self.at = match entry {
            Entry::Closing(_) => At::End,
            _ => At::Midst,
        };
        Ok(Some(entry))
    }

    /// Reads until the buffer is full or nothing more comes.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<usize, RecordingError> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.input.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(filled)
    }

    fn failed(&mut self, error: io::Error) -> RecordingError {
        self.at = At::Over;
        RecordingError::Read {
            path: self.path.clone(),
            error,
        }
    }

    fn truncated(&mut self, what: &'static str) -> RecordingError {
        self.at = At::Over;
        RecordingError::Truncated {
            offset: self.offset,
            what,
        }
    }

    fn damaged(&self, what: &'static str) -> RecordingError {
        RecordingError::Damaged {
            offset: self.offset,
            what,
        }
    }

    /// The recording is damaged, and the start of the next frame is unknown.
    fn over(&mut self, what: &'static str) -> RecordingError {
        self.at = At::Over;
        self.damaged(what)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Entry, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == At::Over {
            return None;
        }
        self.frame().transpose()
    }
}
