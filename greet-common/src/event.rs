// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records that the eBPF programs write into the ring buffer.
//!
//! There are two: an [`Entry`] when a function on the message's way is entered (it
//! carries the message), and a [`Return`] when it is left (it carries the result).
//! Both begin with a [`Stamp`], whose stage says which of the two it is. Bytes become
//! a record only through [`Record::try_from`], which checks them.

use core::{fmt, mem::offset_of};

use crate::{Stage, wire::HEADER_SIZE};

/// Payload bytes that a record can hold.
pub const PAYLOAD_CAPTURE: usize = 256;
/// Bytes of a datagram that a record can hold: one header and the payload behind it.
pub const CAPTURE: usize = HEADER_SIZE + PAYLOAD_CAPTURE;
/// Length of a task's command name in the kernel (`TASK_COMM_LEN`), with its NUL.
pub const COMM_SIZE: usize = 16;

/// When, where and by whom: the start of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Stamp {
    /// `bpf_ktime_get_ns()`: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Address of the `sk_buff`: tells messages apart, nothing else. 0 where the hook cannot know it.
    pub skb: u64,
    /// [`Stage`] number.
    pub stage: u32,
    /// Process ID (thread group) of the running task, as the initial PID namespace has it.
    pub pid: u32,
    /// Thread ID of the running task.
    pub tid: u32,
    /// Netlink protocol. 0 in a [`Stage::Handled`] record, whose hook cannot know it.
    pub protocol: u32,
}

/// A function was entered with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Entry {
    /// When, where and by whom.
    pub stamp: Stamp,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Port ID of the sending socket, as the kernel has it (0: the kernel).
    pub portid: u32,
    /// Port ID of the receiving socket (0: the kernel).
    pub peer_portid: u32,
    /// Length of the whole datagram, in bytes.
    pub len: u32,
    /// How many bytes of `data` are valid; the rest is not initialised.
    pub captured: u32,
    /// Explicit padding.
    pub padding: u32,
    /// Command name of the running task, NUL-terminated.
    pub comm: [u8; COMM_SIZE],
    /// The datagram's first bytes: a netlink header, if the sender kept to it, and payload.
    pub data: [u8; CAPTURE],
}

/// A function was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Return {
    /// When, where and by whom.
    pub stamp: Stamp,
    /// What the function returned: bytes, or a negative errno. Meaningless for
    /// [`Stage::Handled`], whose function returns nothing.
    pub result: i32,
    /// Explicit padding.
    pub padding: u32,
}

const _: () = {
    assert!(size_of::<Stamp>() == 32);
    assert!(size_of::<Entry>() == 32 + 24 + COMM_SIZE + CAPTURE);
    assert!(size_of::<Return>() == 32 + 8);
    assert!(align_of::<Entry>() == 8 && align_of::<Return>() == 8);
};

/// A record, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is no allocation in this crate"
)]
pub enum Record {
    /// A function was entered.
    Entry(Entry, Stage),
    /// A function was left.
    Return(Return, Stage),
}

/// Why bytes from the ring buffer are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The record's size is not the one its stage has.
    WrongSize {
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        bytes: usize,
    },
    /// No stage has this number.
    UnknownStage(u32),
    /// The stage is a known one, but no eBPF program reports it with a record.
    NotRecorded(Stage),
    /// More bytes captured than a record or the datagram has.
    WrongCapture {
        /// Bytes captured, as the record says.
        captured: u32,
        /// Length of the datagram, as the record says.
        len: u32,
    },
}

/// Reads `N` bytes at `offset`; the caller has checked the size.
fn bytes_at<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[offset..offset + N]);
    field
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_ne_bytes(bytes_at(bytes, offset))
}

fn check_size(bytes: &[u8], expected: usize) -> Result<(), RecordError> {
    if bytes.len() == expected {
        Ok(())
    } else {
        Err(RecordError::WrongSize {
            expected,
            bytes: bytes.len(),
        })
    }
}

impl Stamp {
    fn read(bytes: &[u8]) -> Self {
        Self {
            time_ns: u64::from_ne_bytes(bytes_at(bytes, offset_of!(Self, time_ns))),
            skb: u64::from_ne_bytes(bytes_at(bytes, offset_of!(Self, skb))),
            stage: u32_at(bytes, offset_of!(Self, stage)),
            pid: u32_at(bytes, offset_of!(Self, pid)),
            tid: u32_at(bytes, offset_of!(Self, tid)),
            protocol: u32_at(bytes, offset_of!(Self, protocol)),
        }
    }
}

impl TryFrom<&[u8]> for Entry {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        check_size(bytes, size_of::<Self>())?;
        let mut entry = Self {
            stamp: Stamp::read(bytes),
            netns: u32_at(bytes, offset_of!(Self, netns)),
            portid: u32_at(bytes, offset_of!(Self, portid)),
            peer_portid: u32_at(bytes, offset_of!(Self, peer_portid)),
            len: u32_at(bytes, offset_of!(Self, len)),
            captured: u32_at(bytes, offset_of!(Self, captured)),
            padding: 0,
            comm: bytes_at(bytes, offset_of!(Self, comm)),
            data: [0; CAPTURE],
        };
        let captured = entry.captured as usize;
        if captured > CAPTURE || entry.captured > entry.len {
            return Err(RecordError::WrongCapture {
                captured: entry.captured,
                len: entry.len,
            });
        }
        // What lies behind the captured bytes is the ring buffer's past: leave it there.
        let data = offset_of!(Self, data);
        entry.data[..captured].copy_from_slice(&bytes[data..data + captured]);
        Ok(entry)
    }
}

impl TryFrom<&[u8]> for Return {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        check_size(bytes, size_of::<Self>())?;
        Ok(Self {
            stamp: Stamp::read(bytes),
            result: i32::from_ne_bytes(bytes_at(bytes, offset_of!(Self, result))),
            padding: 0,
        })
    }
}

impl TryFrom<&[u8]> for Record {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() < size_of::<Stamp>() {
            return Err(RecordError::WrongSize {
                expected: size_of::<Stamp>(),
                bytes: bytes.len(),
            });
        }
        let number = Stamp::read(bytes).stage;
        let stage = Stage::try_from(number).map_err(|_| RecordError::UnknownStage(number))?;
        match stage {
            Stage::Cross | Stage::Handle | Stage::Reply => {
                Entry::try_from(bytes).map(|entry| Self::Entry(entry, stage))
            }
            Stage::Crossed | Stage::Replied | Stage::Handled => {
                Return::try_from(bytes).map(|left| Self::Return(left, stage))
            }
            Stage::Send | Stage::Queue | Stage::Sent | Stage::Receive | Stage::Delivered => {
                Err(RecordError::NotRecorded(stage))
            }
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongSize { expected, bytes } => {
                write!(f, "a record of {bytes} bytes where {expected} are expected")
            }
            Self::UnknownStage(number) => write!(f, "a record of the unknown stage {number}"),
            Self::NotRecorded(stage) => write!(f, "a record of stage {stage}, which has none"),
            Self::WrongCapture { captured, len } => {
                write!(f, "a record with {captured} captured bytes of {len}")
            }
        }
    }
}

impl core::error::Error for RecordError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_bytes(stage: u32, len: u32, captured: u32) -> [u8; size_of::<Entry>()] {
        let mut bytes = [0xa5; size_of::<Entry>()];
        for (offset, value) in [
            (offset_of!(Stamp, stage), stage),
            (offset_of!(Entry, len), len),
            (offset_of!(Entry, captured), captured),
            (offset_of!(Entry, portid), 0x8000_0007),
        ] {
            bytes[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn an_entry_is_read_and_the_uncaptured_rest_is_not() {
        let bytes = entry_bytes(Stage::Cross.number(), 300, 100);
        let Ok(Record::Entry(entry, Stage::Cross)) = Record::try_from(&bytes[..]) else {
            panic!("not read as an entry");
        };
        assert_eq!(entry.portid, 0x8000_0007);
        assert_eq!(entry.data[..100], [0xa5; 100]);
        assert_eq!(entry.data[100..], [0; CAPTURE - 100]);
    }

    #[test]
    fn a_capture_beyond_the_datagram_or_the_record_is_refused() {
        for (len, captured) in [(10, 11), (5000, 273), (u32::MAX, u32::MAX)] {
            assert_eq!(
                Record::try_from(&entry_bytes(2, len, captured)[..]),
                Err(RecordError::WrongCapture { captured, len })
            );
        }
    }

    #[test]
    fn every_length_is_judged_and_only_the_right_one_passes() {
        let bytes = entry_bytes(Stage::Reply.number(), 16, 16);
        for len in 0..bytes.len() {
            assert!(matches!(
                Record::try_from(&bytes[..len]),
                Err(RecordError::WrongSize { .. })
            ));
        }
        assert!(Record::try_from(&bytes[..]).is_ok());
    }

    #[test]
    fn stages_without_a_record_are_refused() {
        for (number, expected) in [
            (0, RecordError::UnknownStage(0)),
            (12, RecordError::UnknownStage(12)),
            (1, RecordError::NotRecorded(Stage::Send)),
        ] {
            assert_eq!(
                Record::try_from(&entry_bytes(number, 0, 0)[..]),
                Err(expected)
            );
        }
    }
}
