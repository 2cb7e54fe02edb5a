// SPDX-License-Identifier: MIT OR Apache-2.0
//! How single fields are written.

use serde::{Serialize, Serializer};

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

pub(super) fn hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        let pair = [byte >> 4, byte & 0xf].map(|nibble| DIGITS[usize::from(nibble)]);
        text.extend_from_slice(&pair);
    }
    let text = String::from_utf8(text).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&text)
}
