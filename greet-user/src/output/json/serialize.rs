// SPDX-License-Identifier: MIT OR Apache-2.0
//! How single fields are written.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use crate::event::{escaped, flag_names};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

pub(super) fn as_text<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&escaped(bytes))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
pub(super) fn flags<S: Serializer>(flags: &u16, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(flag_names(*flags))
}

/// Pairs as one JSON object, in their own order.
pub(super) fn object<T: Serialize, S: Serializer>(
    pairs: &[(&'static str, T)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// Bytes as a string of hexadecimal digits: [`Compact`] makes it of what is serialized as bytes.
pub(super) fn hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// One line without spaces, bytes in hexadecimal.
pub(super) struct Compact;

impl Formatter for Compact {
    fn write_byte_array<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        bytes: &[u8],
    ) -> io::Result<()> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // In pieces: nothing is allocated, and a writer is asked seldom.
        let mut text = [0; 256];
        writer.write_all(b"\"")?;
        for piece in bytes.chunks(text.len() / 2) {
            let text = &mut text[..2 * piece.len()];
            for (pair, byte) in text.chunks_exact_mut(2).zip(piece) {
                pair[0] = DIGITS[usize::from(byte >> 4)];
                pair[1] = DIGITS[usize::from(byte & 0xf)];
            }
            writer.write_all(text)?;
        }
        writer.write_all(b"\"")
    }
}
