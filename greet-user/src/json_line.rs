// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines of JSON that are safe for a terminal.

use std::io;

use greet_trace::event::{all, is_printable};
use serde::Serialize;

/// A value as a line of JSON that is safe for a terminal.
///
/// # Errors
/// If the value cannot be written as JSON.
pub fn json_line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    end_json_line(&mut line);
    Ok(line)
}

/// Ends a line of JSON that was assembled piece by piece.
pub fn end_json_line(line: &mut Vec<u8>) {
    plain_json(line);
    line.push(b'\n');
}

/// Makes a line of JSON safe for a terminal: characters that text may not contain are written as
/// `\u` and their number, which means the same. JSON itself requires less: it allows DEL, the
/// control characters above it and those that reverse the direction of a line.
fn plain_json(line: &mut Vec<u8>) {
    if all(line, |byte| matches!(byte, b' '..=b'~')) {
        return;
    }
    let Ok(text) = str::from_utf8(line) else {
        return;
    };
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        // After a letter: a combining mark is text.
        if c == '\n' || is_printable(&format!("a{c}")) {
            plain.push(c);
        } else {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            plain.extend(units.map(|unit| format!("\\u{unit:04x}")));
        }
    }
    *line = plain.into_bytes();
}
