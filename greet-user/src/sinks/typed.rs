// SPDX-License-Identifier: MIT OR Apache-2.0
//! The user's command line, for a report to show how it was made.

use std::{env, ffi::OsString};

/// The command line of this process, quoted for a shell.
pub(super) fn command() -> String {
    of(env::args_os())
}

fn of(words: impl IntoIterator<Item = OsString>) -> String {
    let mut words = words
        .into_iter()
        .map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let words = std::iter::once(program).chain(words);
    let quoted: Vec<_> = words.map(|word| quoted(&word)).collect();
    quoted.join(" ")
}

/// Quotes a word if a shell would not take it as a single one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,~".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_would_take_it_for_the_same_words() {
        let words = [
            "/usr/bin/greet-user",
            "watch",
            "--",
            "sh",
            "-c",
            "ip link; it's",
            "",
        ];
        let shown = of(words.map(OsString::from));
        assert_eq!(shown, r"greet-user watch -- sh -c 'ip link; it'\''s' ''");
    }
}
