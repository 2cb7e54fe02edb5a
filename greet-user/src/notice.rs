// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said on standard error, beside what is shown: errors, what became of a collector,
//! diagnostics. Much of it quotes others (the kernel, a file's name, an HTTP server), so that
//! nothing goes there but through here.

use std::{
    fmt::Display,
    io::{self, Write},
};

use env_logger::{Builder, Env};

use crate::event::escaped;

/// Says it on one line, whatever is in it.
pub fn say(text: impl Display) {
    anstream::eprintln!("{}", escaped(text.to_string().as_bytes()));
}

/// Diagnostics, from warnings on if `verbose`, or as the environment (`RUST_LOG`) has it.
pub fn log(verbose: bool) {
    let default = if verbose { "warn" } else { "off" };
    let level = Env::default().default_filter_or(default);
    let mut builder = Builder::from_env(level);
    builder.format(|out, record| {
        let text = record.args().to_string();
        write(
            out,
            &format!("{} {}", record.level(), record.target()),
            &text,
        )
    });
    builder.init();
}

/// The verifier's words have many lines; all but the first stand behind a margin, so that none
/// looks like a message of its own.
fn write(out: &mut impl Write, origin: &str, text: &str) -> io::Result<()> {
    for (at, line) in text.lines().enumerate() {
        let line = escaped(line.as_bytes());
        match at {
            0 => writeln!(out, "[{origin}] {line}")?,
            _ => writeln!(out, "    {line}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_obeys_nobody() {
        let mut out = Vec::new();
        write(&mut out, "WARN x", "one\x1b[2J\r\n[ERROR y] two\u{202e}").expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, "[WARN x] one\\u{1b}[2J\n    [ERROR y] two\\u{202e}\n");
    }
}
