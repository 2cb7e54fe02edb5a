// SPDX-License-Identifier: MIT OR Apache-2.0
//! Human-readable output: one line per socket, in columns as wide as their contents.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use greet_trace::event::{escaped, protocol_name};
use greet_trace::sockets::{Callback, Socket};

const COLUMNS: usize = 8;
const HEADINGS: [&str; COLUMNS] = [
    "PROTOCOL", "PORT", "PROCESS", "GROUPS", "RMEM", "DROPS", "NETNS", "CALLBACK",
];
/// Columns of numbers are right-aligned.
const NUMBERS: [bool; COLUMNS] = [false, true, false, false, true, true, true, false];
/// Maximum number of processes or groups listed by name; the rest are only counted.
const MOST_NAMED: usize = 8;

/// Writes the table.
///
/// # Errors
/// If it cannot be written.
pub fn write(out: &mut impl Write, sockets: &[Socket]) -> io::Result<()> {
    let rows: Vec<[String; COLUMNS]> = std::iter::once(HEADINGS.map(str::to_owned))
        .chain(sockets.iter().map(row))
        .collect();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    });
    for row in &rows {
        let mut line = String::new();
        for (column, text) in row.iter().enumerate() {
            let width = widths[column];
            let text = escaped(text.as_bytes());
            let aligned = if NUMBERS[column] {
                format!("{text:>width$}")
            } else {
                format!("{text:<width$}")
            };
            line.push_str(&aligned);
            line.push_str("  ");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn row(socket: &Socket) -> [String; COLUMNS] {
    [
        protocol(socket.protocol),
        socket.portid.to_string(),
        holders(socket),
        several(socket.groups.iter().map(u32::to_string)),
        socket.rmem.to_string(),
        socket.drops.to_string(),
        socket
            .netns
            .map_or_else(|| "?".to_owned(), |netns| netns.to_string()),
        socket
            .callback
            .as_ref()
            .map_or_else(|| "-".to_owned(), callback),
    ]
}

/// The short protocol name that `watch -p` accepts.
fn protocol(number: u32) -> String {
    let name = protocol_name(number).map(|name| name.trim_start_matches("NETLINK_"));
    name.map_or_else(|| number.to_string(), str::to_lowercase)
}

fn holders(socket: &Socket) -> String {
    if socket.is_kernels {
        return "kernel".to_owned();
    }
    let processes = socket.processes.iter();
    // A process chooses its own name: it must not be able to move the cursor.
    several(
        processes.map(|process| format!("{}({})", escaped(process.comm.as_bytes()), process.pid)),
    )
}

fn several(texts: impl ExactSizeIterator<Item = String>) -> String {
    let more = texts.len().saturating_sub(MOST_NAMED);
    let named: Vec<String> = texts.take(MOST_NAMED).collect();
    match (named.is_empty(), more) {
        (true, _) => "-".to_owned(),
        (_, 0) => named.join(","),
        _ => format!("{},+{more}", named.join(",")),
    }
}

fn callback(callback: &Callback) -> String {
    let mut text = callback.symbol.clone();
    if let Some(module) = &callback.module {
        // Writing to a String cannot fail.
        write!(text, " [{module}]").unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests;
