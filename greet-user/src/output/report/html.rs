// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text for a page. Senders choose the bytes of messages and process names: none of them may become
//! markup, or change the direction of the text around it.

use std::{borrow::Cow, fmt};

/// Text between tags or in an attribute's quotes.
pub(super) struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(self.0))
    }
}

/// Escapes what has a meaning in HTML, and shows unprintable characters as their code points.
fn escape(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !matches!(c, '<' | '>' | '&' | '"' | '\'') && is_shown(c);
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if is_shown(c) => escaped.push(c),
            c => escaped.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(escaped)
}

/// Whether it is neither a control character nor one that changes the direction of text.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        for (text, shown) in [
            ("greet-user", "greet-user"),
            ("</script><b>", "&lt;/script&gt;&lt;b&gt;"),
            ("a&b \"c\" 'd'", "a&amp;b &quot;c&quot; &#39;d&#39;"),
            ("\u{202e}txt\0", "\\u{202e}txt\\u{0}"),
            ("नमस्ते", "नमस्ते"),
        ] {
            assert_eq!(Text(text).to_string(), shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_becomes_markup(text: String) {
            let shown = Text(&text).to_string();
            let is_markup = |c| matches!(c, '<' | '>' | '"' | '\'') || !is_shown(c);
            proptest::prop_assert!(!shown.contains(is_markup), "{shown:?}");
        }
    }
}
