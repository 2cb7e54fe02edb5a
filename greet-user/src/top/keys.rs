// SPDX-License-Identifier: MIT OR Apache-2.0
//! Turns bytes from the terminal into keys. Unknown sequences are ignored.

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// A letter with Ctrl held.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Tab.
    Tab,
    /// Tab with Shift held.
    BackTab,
    /// Backspace.
    Backspace,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow to the left.
    Left,
    /// Arrow to the right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the start.
    Home,
    /// To the end.
    End,
}

/// Longest escape sequence to wait for, bytes.
const LONGEST: usize = 16;

/// Assembles bytes into keys.
#[derive(Debug, Default)]
pub struct Keys {
    pending: Vec<u8>,
}

impl Keys {
    /// Takes the bytes that were read, and passes each key on.
    pub fn push(&mut self, bytes: &[u8], mut take: impl FnMut(Key)) {
        self.pending.extend(bytes);
        while let Some((key, used)) = first(&self.pending) {
            self.pending.drain(..used.max(1));
            if let Some(key) = key {
                take(key);
            }
        }
    }

    /// Is there an incomplete sequence, whose rest would have arrived by now?
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Nothing more came: a lone escape was the key.
    pub fn settle(&mut self, mut take: impl FnMut(Key)) {
        if self.pending.first() == Some(&0x1b) {
            take(Key::Escape);
        }
        self.pending.clear();
    }
}

/// The first key and its length, with `None` for a sequence that means nothing here; nothing if
/// more bytes are needed.
fn first(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    let (first, rest) = bytes.split_first()?;
    let one = |key| Some((Some(key), 1));
    match first {
        b'\r' | b'\n' => one(Key::Enter),
        b'\t' => one(Key::Tab),
        0x7f | 0x08 => one(Key::Backspace),
        0x1b => escape(rest),
        0 => Some((None, 1)),
        control @ 1..0x20 => one(Key::Ctrl(char::from(control + b'a' - 1))),
        b' '..=b'~' => one(Key::Char(char::from(*first))),
        _ => character(bytes),
    }
}

/// A character of several bytes.
fn character(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    let (valid, len) = match str::from_utf8(bytes) {
        Ok(text) => (text, 1),
        Err(error) if error.valid_up_to() > 0 => {
            let valid = str::from_utf8(&bytes[..error.valid_up_to()]);
            (valid.unwrap_or_default(), 1)
        }
        // Its rest has not arrived yet.
        Err(error) => return error.error_len().map(|len| (None, len)),
    };
    let first = valid.chars().next();
    Some((first.map(Key::Char), first.map_or(len, char::len_utf8)))
}

/// What follows an escape.
fn escape(rest: &[u8]) -> Option<(Option<Key>, usize)> {
    match rest.split_first()? {
        // An escape, and then another key.
        (0x1b, _) => Some((Some(Key::Escape), 1)),
        (b'[', rest) => sequence(rest),
        (b'O', rest) => {
            let key = match rest.first()? {
                b'H' => Some(Key::Home),
                b'F' => Some(Key::End),
                b'M' => Some(Key::Enter),
                letter => arrow(*letter),
            };
            Some((key, 3))
        }
        // A key with Alt held.
        _ => Some((None, 2)),
    }
}

/// `ESC [`, numbers, and a letter or `~`.
fn sequence(rest: &[u8]) -> Option<(Option<Key>, usize)> {
    let Some(end) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        let is_hopeless = rest.len() > LONGEST;
        return is_hopeless.then_some((None, 2 + rest.len()));
    };
    let number = rest[..end].split(|byte| *byte == b';').next();
    let key = match (rest[end], number.unwrap_or_default()) {
        (b'H', _) | (b'~', b"1" | b"7") => Some(Key::Home),
        (b'F', _) | (b'~', b"4" | b"8") => Some(Key::End),
        (b'~', b"5") => Some(Key::PageUp),
        (b'~', b"6") => Some(Key::PageDown),
        (b'Z', _) => Some(Key::BackTab),
        (letter, _) => arrow(letter),
    };
    Some((key, 2 + end + 1))
}

const fn arrow(letter: u8) -> Option<Key> {
    match letter {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Key> {
        let mut keys = Keys::default();
        let mut found = Vec::new();
        for piece in pieces {
            keys.push(piece, |key| found.push(key));
        }
        if keys.is_waiting() {
            keys.settle(|key| found.push(key));
        }
        found
    }

    #[test]
    fn keys_are_found_however_they_arrive() {
        assert_eq!(read(&[b"q"]), [Key::Char('q')]);
        assert_eq!(
            read(&[b"\x1b[A\x1bOB\x1b[5~"]),
            [Key::Up, Key::Down, Key::PageUp]
        );
        assert_eq!(read(&[b"\x1b", b"[", b"6", b"~"]), [Key::PageDown]);
        assert_eq!(read(&[b"\x1b[1;5C\x1b[Z"]), [Key::Right, Key::BackTab]);
        assert_eq!(
            read(&[b"\x1b[1~\x1b[4~\x1bOH"]),
            [Key::Home, Key::End, Key::Home]
        );
        assert_eq!(read(&[b"\x1b"]), [Key::Escape]);
        assert_eq!(read(&[b"\x1b\x1b"]), [Key::Escape, Key::Escape]);
        assert_eq!(
            read(&[b"\x03\x1a\r\x7f"]),
            [Key::Ctrl('c'), Key::Ctrl('z'), Key::Enter, Key::Backspace]
        );
        let (one, other) = "é".as_bytes().split_at(1);
        assert_eq!(read(&[one, other, b"x"]), [Key::Char('é'), Key::Char('x')]);
        assert_eq!(read(&[b"\xff", b"a"]), [Key::Char('a')]);
        assert_eq!(
            read(&[b"\x1ba", b"b"]),
            [Key::Char('b')],
            "Alt is not asked for"
        );
        assert_eq!(read(&[b"\x1b[200~", b"b"]), [Key::Char('b')]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_strange(pieces: Vec<Vec<u8>>) {
            let mut keys = Keys::default();
            for piece in &pieces {
                keys.push(piece, drop);
                proptest::prop_assert!(keys.pending.len() <= LONGEST + 4);
            }
        }
    }
}
