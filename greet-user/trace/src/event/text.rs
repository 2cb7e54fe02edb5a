// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is text, and how other bytes are shown. The sender of a message chooses its bytes: they
//! must not move a terminal's cursor or break a line of output.

use std::borrow::Cow;

/// The payload's text: UTF-8 that a terminal can show, without trailing NULs. `None` if there is
/// none, or if it is something else.
#[must_use]
pub fn printable(payload: &[u8]) -> Option<&str> {
    let text = str::from_utf8(without_zeros(payload)?).ok()?;
    is_printable(text).then_some(text)
}

/// The bytes up to the last one that is not 0, if any: a piece at a time, because a reply is mostly
/// zeros.
fn without_zeros(bytes: &[u8]) -> Option<&[u8]> {
    let pieces = bytes.rchunks(PIECE);
    let zeros = pieces.take_while(|piece| all(piece, |byte| byte == 0));
    let bytes = &bytes[..bytes.len().saturating_sub(zeros.count() * PIECE)];
    let last = bytes.iter().rposition(|byte| *byte != 0)?;
    Some(&bytes[..=last])
}

/// How many bytes are tested at once.
const PIECE: usize = 32;

/// Whether it holds for each byte: tests all bytes of a piece before it looks at the results, which
/// the compiler turns into vector instructions.
pub fn all(bytes: &[u8], holds: impl Fn(u8) -> bool) -> bool {
    let of = |piece: &[u8]| piece.iter().fold(true, |all, byte| all & holds(*byte));
    bytes.chunks(PIECE).all(of)
}

/// The bytes as text on one line, with unprintable characters escaped.
#[must_use]
pub fn escaped(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if is_printable(text) => Cow::Borrowed(text),
        Ok(text) => Cow::Owned(text.escape_debug().to_string()),
        Err(_) => Cow::Owned(bytes.escape_ascii().to_string()),
    }
}

/// True if Rust's own escaping changes nothing but quotes and backslashes: it escapes control
/// characters, format characters (they can reverse the direction of a line) and unassigned ones. A
/// combining mark is text if it follows another character.
#[must_use]
pub fn is_printable(text: &str) -> bool {
    // Nearly all text is plain; the rest of the test takes ten times as long.
    if all(text.as_bytes(), |byte| matches!(byte, b' '..=b'~')) {
        return true;
    }
    let plain = |c| {
        if matches!(c, '"' | '\'' | '\\') {
            'q'
        } else {
            c
        }
    };
    let probe: String = text.chars().map(plain).collect();
    probe.escape_debug().eq(probe.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_other_bytes() {
        for (payload, text) in [
            (&b"Hello\0"[..], Some("Hello")),
            (b"Hello\0\0\0", Some("Hello")),
            (b"no NUL", Some("no NUL")),
            (b"it's \"here\" \\o/\0", Some("it's \"here\" \\o/")),
            ("नमस्ते, привет".as_bytes(), Some("नमस्ते, привет")),
            (b"", None),
            (b"\0\0", None),
            (b"two\nlines\0", None),
            (b"\x1b[2J\0", None),
            (b"a\0b\0", None),
            (b"\xff\xfe", None),
            ("\u{202e}backwards".as_bytes(), None),
        ] {
            assert_eq!(printable(payload), text, "{payload:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_breaks_a_line(bytes: Vec<u8>) {
            let shown = escaped(&bytes);
            proptest::prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
