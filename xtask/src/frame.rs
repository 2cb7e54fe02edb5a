// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames that host and guest exchange over a single virtio-serial port.
//!
//! Standard output, standard error and the verdict share one ordered channel, so the exit status
//! cannot overtake the last byte of output. A frame is a kind byte, the payload's length as a
//! little-endian `u32`, and the payload.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// The longest payload accepted, in bytes: a longer one means that the channel is out of sync.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// The name of the virtio-serial port that carries the frames.
pub const PORT_NAME: &str = "greet.channel";

/// One message between host and guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Guest: PID 1 runs and the channel is open.
    Hello,
    /// Host: the command to run.
    Run(Run),
    /// Host: bytes for the command's standard input; empty means end of file.
    Stdin(Vec<u8>),
    /// Host: the terminal has a new size.
    Resize(Size),
    /// Guest: bytes of the command's standard output.
    Stdout(Vec<u8>),
    /// Guest: bytes of the command's standard error.
    Stderr(Vec<u8>),
    /// Guest: part of a file that the host requested; an empty part ends the file.
    Part(Part),
    /// Guest: how the command ended, after its last byte. Sent exactly once.
    Verdict(Verdict),
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Index into [`Run::fetch`].
    pub file: u32,
    /// Its next bytes.
    pub bytes: Vec<u8>,
}

/// What the guest should run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// A shell command; `None` asks for an interactive shell.
    pub command: Option<String>,
    /// Whether the command reads input from the host; otherwise it gets `/dev/null`.
    pub stdin: bool,
    /// Whether to load the greeting module first.
    pub load_module: bool,
    /// The terminal's size, for the interactive shell.
    pub size: Size,
    /// Files to send back after the command has ended; missing files are skipped.
    pub fetch: Vec<String>,
}

/// A terminal's size in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Lines.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
}

/// How the command in the guest ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It exited with this status.
    Exited(i32),
    /// It was killed by this signal.
    Killed(i32),
    /// The guest could not run it.
    Failed(String),
}

impl Frame {
    const HELLO: u8 = b'H';
    const RUN: u8 = b'R';
    const STDIN: u8 = b'I';
    const RESIZE: u8 = b'S';
    const STDOUT: u8 = b'O';
    const STDERR: u8 = b'E';
    const PART: u8 = b'P';
    const VERDICT: u8 = b'V';

    /// Writes the frame and flushes the writer.
    ///
    /// # Errors
    /// Returns the writer's error, or `InvalidInput` if the payload is longer than [`MAX_PAYLOAD`].
    pub fn write_to(&self, writer: &mut impl Write) -> io::Result<()> {
        let (kind, payload) = match self {
            Self::Hello => (Self::HELLO, Vec::new()),
            Self::Run(run) => (Self::RUN, serde_json::to_vec(run)?),
            Self::Stdin(bytes) => (Self::STDIN, bytes.clone()),
            Self::Resize(size) => (Self::RESIZE, serde_json::to_vec(size)?),
            Self::Stdout(bytes) => (Self::STDOUT, bytes.clone()),
            Self::Stderr(bytes) => (Self::STDERR, bytes.clone()),
            Self::Part(Part { file, bytes }) => {
                (Self::PART, [&file.to_le_bytes(), bytes.as_slice()].concat())
            }
            Self::Verdict(verdict) => (Self::VERDICT, serde_json::to_vec(verdict)?),
        };
        if payload.len() > MAX_PAYLOAD {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a frame of {} bytes is too long", payload.len()),
            ));
        }
        // A single write, so that frames of threads that share a lock never interleave.
        let mut bytes = Vec::with_capacity(5 + payload.len());
        bytes.push(kind);
        bytes.extend_from_slice(
            &u32::try_from(payload.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        );
        bytes.extend_from_slice(&payload);
        writer.write_all(&bytes)?;
        writer.flush()
    }

    /// Reads one frame; returns `None` if the channel ends between two frames.
    ///
    /// # Errors
    /// Returns the reader's error, `UnexpectedEof` if the channel ends inside a frame, or
    /// `InvalidData` if the data is not a frame.
    pub fn read_from(reader: &mut impl Read) -> io::Result<Option<Self>> {
        let mut kind = [0];
        // A read on a socket with a timeout is interrupted even by SIGSTOP and SIGCONT
        // (`man 7 signal`).
        let read = loop {
            match reader.read(&mut kind) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if read == 0 {
            return Ok(None);
        }
        let mut length = [0; 4];
        reader.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_PAYLOAD {
            return Err(out_of_step(&format!("a frame of {length} bytes")));
        }
        let mut payload = vec![0; length];
        reader.read_exact(&mut payload)?;
        Self::from_parts(kind[0], payload).map(Some)
    }

    fn from_parts(kind: u8, payload: Vec<u8>) -> io::Result<Self> {
        Ok(match kind {
            Self::HELLO => Self::Hello,
            Self::RUN => Self::Run(serde_json::from_slice(&payload)?),
            Self::STDIN => Self::Stdin(payload),
            Self::RESIZE => Self::Resize(serde_json::from_slice(&payload)?),
            Self::STDOUT => Self::Stdout(payload),
            Self::STDERR => Self::Stderr(payload),
            Self::PART => {
                let Some((file, bytes)) = payload.split_first_chunk() else {
                    return Err(out_of_step("a part of no file"));
                };
                let (file, bytes) = (u32::from_le_bytes(*file), bytes.to_vec());
                Self::Part(Part { file, bytes })
            }
            Self::VERDICT => Self::Verdict(serde_json::from_slice(&payload)?),
            other => return Err(out_of_step(&format!("a frame of kind {other:#04x}"))),
        })
    }
}

fn out_of_step(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the channel between host and guest is out of step: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Frame> {
        vec![
            Frame::Hello,
            Frame::Run(Run {
                command: Some("uname -r; exit 7".into()),
                stdin: false,
                load_module: true,
                size: Size {
                    rows: 24,
                    columns: 80,
                },
                fetch: vec!["/tmp/report.html".into()],
            }),
            Frame::Stdin(Vec::new()),
            Frame::Resize(Size {
                rows: 50,
                columns: 140,
            }),
            Frame::Stdout(b"\x00\xff raw\n".to_vec()),
            Frame::Stderr(b"oops".to_vec()),
            Frame::Part(Part {
                file: 1,
                bytes: b"\x00\xff".to_vec(),
            }),
            Frame::Part(Part {
                file: 1,
                bytes: Vec::new(),
            }),
            Frame::Verdict(Verdict::Exited(7)),
            Frame::Verdict(Verdict::Killed(9)),
            Frame::Verdict(Verdict::Failed("no shell".into())),
        ]
    }

    #[test]
    fn frames_survive_the_way_there_and_back() {
        let mut bytes = Vec::new();
        for frame in samples() {
            frame
                .write_to(&mut bytes)
                .expect("a vector takes everything");
        }
        let mut reader = bytes.as_slice();
        for frame in samples() {
            assert_eq!(
                Frame::read_from(&mut reader).expect("whole frames"),
                Some(frame)
            );
        }
        assert_eq!(Frame::read_from(&mut reader).expect("a clean end"), None);
    }

    #[test]
    fn an_end_inside_a_frame_is_an_error() {
        let mut bytes = Vec::new();
        Frame::Stdout(b"four".to_vec())
            .write_to(&mut bytes)
            .expect("a vector takes everything");
        for cut in 1..bytes.len() {
            let error = Frame::read_from(&mut &bytes[..cut]).expect_err("a cut frame");
            assert_eq!(
                error.kind(),
                io::ErrorKind::UnexpectedEof,
                "cut after {cut} bytes"
            );
        }
    }

    #[test]
    fn noise_is_refused() {
        let unknown = Frame::read_from(&mut [b'?', 0, 0, 0, 0].as_slice()).expect_err("no kind");
        assert_eq!(unknown.kind(), io::ErrorKind::InvalidData);
        let short = Frame::read_from(&mut [b'P', 1, 0, 0, 0, 0].as_slice()).expect_err("no file");
        assert_eq!(short.kind(), io::ErrorKind::InvalidData);
        let huge = Frame::read_from(&mut [b'O', 0xff, 0xff, 0xff, 0xff].as_slice());
        assert_eq!(
            huge.expect_err("too long").kind(),
            io::ErrorKind::InvalidData
        );
        let text = Frame::Stdout(vec![0; MAX_PAYLOAD + 1]).write_to(&mut Vec::new());
        assert_eq!(
            text.expect_err("too long").kind(),
            io::ErrorKind::InvalidInput
        );
    }

    /// Every read is interrupted once first.
    struct Interrupted<'a>(&'a [u8], bool);

    impl Read for Interrupted<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            self.0.read(buffer)
        }
    }

    #[test]
    fn a_read_that_is_interrupted_goes_on() {
        let mut bytes = Vec::new();
        Frame::Hello
            .write_to(&mut bytes)
            .expect("a vector takes everything");
        let mut reader = Interrupted(&bytes, false);
        let read = Frame::read_from(&mut reader).expect("is read");
        assert_eq!(read, Some(Frame::Hello));
        assert_eq!(Frame::read_from(&mut reader).expect("the end"), None);
    }
}
