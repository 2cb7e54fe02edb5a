// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parsers for command-line arguments.

use std::time::Duration;

use greet_common::Stage;
use greet_trace::suggest::{did_you_mean, nearest};

use super::Netns;

/// The text, said again and again, up to `size` bytes. A character that would be cut in
/// two is left out and its place filled with dots.
pub(super) fn padded(text: &str, size: usize) -> String {
    let filler = if text.is_empty() { "." } else { text };
    let mut padded = String::with_capacity(size);
    for c in filler.chars().chain(std::iter::once(' ')).cycle() {
        if padded.len() + c.len_utf8() > size {
            break;
        }
        padded.push(c);
    }
    padded.extend(std::iter::repeat_n('.', size - padded.len()));
    padded
}

pub(super) fn netns(text: &str) -> Result<Netns, String> {
    if text == "all" {
        return Ok(Netns(None));
    }
    let number = text
        .strip_prefix("net:[")
        .and_then(|rest| rest.strip_suffix(']'));
    match number.unwrap_or(text).parse() {
        Ok(number) if number != 0 => Ok(Netns(Some(number))),
        _ => Err("neither `all` nor the inode number of a network namespace".to_owned()),
    }
}

/// The name of a process or a thread: the kernel keeps the first 15 bytes, and an empty one would
/// mean all.
pub(super) fn name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("an empty name".to_owned()),
        text => Ok(text.to_owned()),
    }
}

pub(super) fn stage(text: &str) -> Result<Stage, String> {
    let found = Stage::ALL.into_iter().find(|stage| stage.name() == text);
    found.ok_or_else(|| {
        let names = Stage::ALL.map(Stage::name);
        format!(
            "no such stage{}\n\nThe stages are {}",
            did_you_mean(nearest(text, names)),
            names.join(", ")
        )
    })
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "not a number of seconds".to_owned())
}

/// As ping has it: 0 is for ever.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    let patience = seconds(text)?;
    Ok(if patience.is_zero() {
        Duration::MAX
    } else {
        patience
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_exact_and_stays_text() {
        assert_eq!(padded("Hi", 8), "Hi Hi Hi");
        assert_eq!(padded("Hello", 2), "He");
        assert_eq!(padded("é", 4), "é .");
        assert_eq!(padded("", 3), ". .");
        for size in 0..40 {
            assert_eq!(padded("naïve ☂ text", size).len(), size);
        }
    }

    #[test]
    fn seconds_are_not_negative_nor_endless() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(patience("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(patience("0"), Ok(Duration::MAX));
        for text in ["-1", "nan", "inf", "1e30", "soon", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_stage_that_is_none_brings_one_to_mind() {
        assert_eq!(stage("queue"), Ok(Stage::Queue));
        for (text, meant) in [
            ("recieve", "no such stage; did you mean `receive`?\n"),
            ("handl", "no such stage; did you mean `handle`?\n"),
            ("x", "no such stage\n\nThe stages are send, cross, "),
        ] {
            let error = stage(text).expect_err(text);
            assert!(error.contains(meant), "{text}: {error}");
        }
    }
}
