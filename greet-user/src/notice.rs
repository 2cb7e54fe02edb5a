// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages on standard error, separate from the output proper: errors, the status of a collector,
//! diagnostics. Many quote external text (from the kernel, a file name, an HTTP server), so all of
//! them must go through this module.

use std::{
    fmt::Display,
    io::{self, Write},
};

use env_logger::{Builder, Env};

use greet_trace::event::escaped;

/// Prints a message on one line, whatever it contains.
pub fn say(text: impl Display) {
    anstream::eprintln!("{}", escaped(text.to_string().as_bytes()));
}

/// Enables diagnostics, from warnings up if `verbose`, or as the environment (`RUST_LOG`) requests.
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

/// The verifier's log has many lines; all but the first are indented, so that none looks like a
/// separate message.
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
