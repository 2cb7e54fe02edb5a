// SPDX-License-Identifier: MIT OR Apache-2.0
//! The only place where bytes become a record: every one is checked.

use core::{fmt, mem::offset_of};

use zerocopy::FromBytes;

use super::{
    CAPTURE, Close, DatagramRecord, Delivery, Extack, Head, Loss, Message, REQUEST_HEAD,
    REQUEST_ROOMS, REST_SIZES, RecordKind, Request, RestHead, RoundTrip,
};

/// A record, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A `sendmsg()` has ended.
    Request(Request),
    /// A message was queued.
    Message(Message),
    /// A message was taken out.
    Delivery(Delivery),
    /// A message was lost.
    Loss(Loss),
    /// The kernel gave its reason for refusing.
    Extack(Extack),
    /// A request got its reply, and the reply was read.
    RoundTrip(RoundTrip),
    /// A socket was closed.
    Close(Close),
    /// More of a datagram whose record follows.
    Continuation(RestHead, &'a [u8]),
}

/// Why bytes from the ring buffer are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The record's size is not the one its kind has.
    WrongSize {
        /// Bytes needed.
        expected: usize,
        /// Bytes present.
        bytes: usize,
    },
    /// No record is of this kind.
    UnknownKind(u32),
    /// More bytes captured than a record or the datagram has.
    WrongCapture {
        /// Bytes captured, as the record says.
        captured: u32,
        /// Length of the datagram, as the record says.
        len: u32,
    },
}

/// Takes exactly the bytes of a record.
fn exactly<T: FromBytes>(bytes: &[u8]) -> Result<T, RecordError> {
    T::read_from_bytes(bytes).map_err(|_| RecordError::WrongSize {
        expected: size_of::<T>(),
        bytes: bytes.len(),
    })
}

impl DatagramRecord {
    /// No datagram at all.
    pub const NONE: Self = Self {
        netns: 0,
        portid: 0,
        peer_portid: 0,
        group: 0,
        len: 0,
        captured: 0,
        rest: 0,
        mark: 0,
        data: [0; CAPTURE],
    };

    /// The captured bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.data.get(..self.captured as usize).unwrap_or_default()
    }

    /// Checks what it says of its bytes. Past the captured ones is stale ring buffer memory, which
    /// is cleared.
    fn checked(mut self) -> Result<Self, RecordError> {
        let Self {
            len,
            captured,
            rest,
            ..
        } = self;
        let wrong = RecordError::WrongCapture { captured, len };
        let in_all = captured.checked_add(rest).ok_or(wrong)?;
        if in_all > len || (rest > 0 && captured as usize != CAPTURE) {
            return Err(wrong);
        }
        let stale = self.data.get_mut(captured as usize..).ok_or(wrong)?;
        stale.fill(0);
        Ok(self)
    }
}

impl TryFrom<&[u8]> for Request {
    type Error = RecordError;

    /// A request's record has one of a few sizes, depending on the number of captured bytes.
    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        const CAPTURED: usize =
            offset_of!(Request, datagram) + offset_of!(DatagramRecord, captured);
        let wrong = |expected| RecordError::WrongSize {
            expected,
            bytes: bytes.len(),
        };
        let captured = bytes.get(CAPTURED..).and_then(<[u8]>::first_chunk);
        let captured = u32::from_ne_bytes(*captured.ok_or(wrong(REQUEST_HEAD))?) as usize;
        let room = REQUEST_ROOMS.into_iter().find(|room| captured <= *room);
        let expected = REQUEST_HEAD + room.unwrap_or(CAPTURE);
        if bytes.len() != expected {
            return Err(wrong(expected));
        }
        let mut whole = [0; size_of::<Self>()];
        whole
            .get_mut(..expected)
            .ok_or(wrong(expected))?
            .copy_from_slice(bytes);
        let mut request: Self = exactly(&whole)?;
        // If this call made no datagram and its end did not say what it would have been, the slot
        // still holds an earlier call's.
        let nothing_crossed = request.cross_ns == 0 && request.datagram.netns == 0;
        request.datagram = if nothing_crossed && captured == 0 {
            DatagramRecord::NONE
        } else {
            request.datagram.checked()?
        };
        Ok(request)
    }
}

impl TryFrom<&[u8]> for Message {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let message: Self = exactly(bytes)?;
        Ok(Self {
            datagram: message.datagram.checked()?,
            ..message
        })
    }
}

impl TryFrom<&[u8]> for Delivery {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let delivery = exactly(bytes)?;
        Ok(Self {
            padding: 0,
            ..delivery
        })
    }
}

impl TryFrom<&[u8]> for Extack {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut extack: Self = exactly(bytes)?;
        let text = extack.text.iter_mut();
        // What follows the NUL is stale ring buffer memory.
        text.skip_while(|byte| **byte != 0)
            .for_each(|byte| *byte = 0);
        Ok(extack)
    }
}

/// Reads a [`super::Continuation`]: its size must be one of [`REST_SIZES`].
fn rest(bytes: &[u8]) -> Result<(RestHead, &[u8]), RecordError> {
    let wrong = RecordError::WrongSize {
        expected: size_of::<RestHead>(),
        bytes: bytes.len(),
    };
    let (head, data) = RestHead::read_from_prefix(bytes).map_err(|_| wrong)?;
    if !REST_SIZES.contains(&data.len()) {
        return Err(wrong);
    }
    let data = data.get(..head.len as usize);
    Ok((head, data.ok_or(wrong)?))
}

impl<'a> TryFrom<&'a [u8]> for Record<'a> {
    type Error = RecordError;

    fn try_from(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let number: [u8; 4] = *bytes.first_chunk().ok_or(RecordError::WrongSize {
            expected: size_of::<Head>(),
            bytes: bytes.len(),
        })?;
        let kind = u32::from_ne_bytes(number);
        match RecordKind::try_from(kind)? {
            RecordKind::Request => Request::try_from(bytes).map(Self::Request),
            RecordKind::Message => Message::try_from(bytes).map(Self::Message),
            RecordKind::Delivery => Delivery::try_from(bytes).map(Self::Delivery),
            RecordKind::Loss => exactly(bytes).map(Self::Loss),
            RecordKind::Extack => Extack::try_from(bytes).map(Self::Extack),
            RecordKind::RoundTrip => exactly(bytes).map(Self::RoundTrip),
            RecordKind::Close => exactly(bytes).map(Self::Close),
            RecordKind::Continuation => {
                rest(bytes).map(|(head, data)| Self::Continuation(head, data))
            }
        }
    }
}

impl TryFrom<u32> for RecordKind {
    type Error = RecordError;

    fn try_from(number: u32) -> Result<Self, RecordError> {
        [
            Self::Request,
            Self::Message,
            Self::Delivery,
            Self::Loss,
            Self::Extack,
            Self::Continuation,
            Self::RoundTrip,
            Self::Close,
        ]
        .into_iter()
        .find(|kind| *kind as u32 == number)
        .ok_or(RecordError::UnknownKind(number))
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongSize { expected, bytes } => {
                write!(f, "a record of {bytes} bytes where {expected} are expected")
            }
            Self::UnknownKind(number) => write!(f, "a record of the unknown kind {number}"),
            Self::WrongCapture { captured, len } => {
                write!(f, "a record with {captured} captured bytes of {len}")
            }
        }
    }
}

impl core::error::Error for RecordError {}
