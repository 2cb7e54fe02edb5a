// SPDX-License-Identifier: MIT OR Apache-2.0
//! One JSON object, written field by field into a line.
//!
//! Half of a line is names, which need no escaping: serde_json, which writes the infrequent lines,
//! checks each of their bytes and takes three times as long.

use itoa::{Buffer, Integer};

use greet_trace::event::{all, escaped};

/// An object under construction. Each field ends with a comma; the closing bracket replaces the
/// last one.
pub(super) struct Object<'a>(&'a mut Vec<u8>);

impl Object<'_> {
    /// Appends an object.
    pub(super) fn write(line: &mut Vec<u8>, fields: impl FnOnce(&mut Object<'_>)) {
        line.push(b'{');
        fields(&mut Object(line));
        close(line, b'}');
    }

    /// `name` is a literal that needs no escaping. Inlined into its callers, it is copied in a few
    /// moves of known length.
    #[inline(always)]
    fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        self.0
    }

    #[inline(always)]
    pub(super) fn number(&mut self, name: &'static str, number: impl Integer) {
        let line = self.name(name);
        line.extend_from_slice(Buffer::new().format(number).as_bytes());
        line.push(b',');
    }

    /// Only true values are written.
    pub(super) fn truth(&mut self, name: &'static str) {
        self.name(name).extend_from_slice(b"true,");
    }

    /// `word` needs no escaping either.
    #[inline(always)]
    pub(super) fn word(&mut self, name: &'static str, word: &'static str) {
        let line = self.name(name);
        line.push(b'"');
        line.extend_from_slice(word.as_bytes());
        line.extend_from_slice(b"\",");
    }

    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        string(self.name(name), text);
        self.0.push(b',');
    }

    /// Bytes that are mostly text; unprintable ones are escaped.
    pub(super) fn escaped(&mut self, name: &'static str, bytes: &[u8]) {
        self.text(name, &escaped(bytes));
    }

    pub(super) fn hex(&mut self, name: &'static str, bytes: &[u8]) {
        const PAIRS: [[u8; 2]; 256] = pairs();
        let line = self.name(name);
        line.push(b'"');
        line.extend(bytes.iter().flat_map(|byte| PAIRS[usize::from(*byte)]));
        line.extend_from_slice(b"\",");
    }

    pub(super) fn object(&mut self, name: &'static str, fields: impl FnOnce(&mut Object<'_>)) {
        Object::write(self.name(name), fields);
        self.0.push(b',');
    }

    /// A list, each item appended by `write`.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, T),
    ) {
        let line = self.name(name);
        line.push(b'[');
        for item in items {
            write(line, item);
            line.push(b',');
        }
        close(line, b']');
        line.push(b',');
    }
}

/// Appends a string.
pub(super) fn string(line: &mut Vec<u8>, text: &str) {
    let is_plain = |byte| byte >= b' ' && byte != b'"' && byte != b'\\';
    if all(text.as_bytes(), is_plain) {
        line.push(b'"');
        line.extend_from_slice(text.as_bytes());
        line.push(b'"');
    } else {
        line.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

fn close(line: &mut Vec<u8>, bracket: u8) {
    if line.last() == Some(&b',') {
        line.pop();
    }
    line.push(bracket);
}

/// Every byte in hexadecimal.
const fn pairs() -> [[u8; 2]; 256] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 0xf]];
        byte += 1;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(fields: impl FnOnce(&mut Object<'_>)) -> String {
        let mut line = Vec::new();
        Object::write(&mut line, fields);
        String::from_utf8(line).expect("UTF-8")
    }

    #[test]
    fn fields_are_parted_by_commas() {
        assert_eq!(written(|_| ()), "{}");
        let line = written(|line| {
            line.object("empty", |_| ());
            line.list("none", [(); 0], |_, ()| ());
            line.list("two", ["a,", "b"], string);
            line.number("least", i32::MIN);
            line.hex("bytes", &[0, 0xff]);
        });
        let expected =
            r#"{"empty":{},"none":[],"two":["a,","b"],"least":-2147483648,"bytes":"00ff"}"#;
        assert_eq!(line, expected);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_as_it_was(text: String, bytes: Vec<u8>, number: u64) {
            let line = written(|line| {
                line.text("text", &text);
                line.escaped("escaped", &bytes);
                line.number("number", number);
            });
            let read: Value = serde_json::from_str(&line).expect("JSON");
            let expected = json!({"text": text, "escaped": escaped(&bytes), "number": number});
            proptest::prop_assert_eq!(read, expected);
        }
    }
}
