// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words for numbers.

use std::io;

use anstyle::Style;
use greet_common::wire::Header;

use super::{DIM, ERROR};
use crate::event::{Datagram, flag_names, type_name};

/// What a system call returned.
pub(super) fn result_of(result: i32) -> (Style, String) {
    if result < 0 {
        (ERROR, format!("returned {result}: {}", error_text(result)))
    } else {
        (DIM, format!("returned {result}"))
    }
}

/// `No such device` for -19.
pub(super) fn error_text(errno: i32) -> String {
    let error = io::Error::from_raw_os_error(errno.wrapping_neg()).to_string();
    let words = error.split(" (os error").next();
    words.unwrap_or_default().to_owned()
}

/// The header's fields on one line.
pub(super) fn fields(datagram: &Datagram, header: &Header) -> String {
    let port = |portid| match portid {
        0 => "0 (kernel)".to_owned(),
        portid => portid.to_string(),
    };
    let (from, to) = (port(datagram.portid), port(datagram.peer_portid));
    let (kind, flags, seq) = (kind(datagram, header), flags(header), header.seq);
    format!("type {kind}, flags {flags}, seq {seq}, port {from} to {to}")
}

/// The message type: its number, and its name where it has one.
pub(super) fn kind(datagram: &Datagram, header: &Header) -> String {
    let kind = header.kind;
    type_name(datagram.protocol, kind)
        .map_or_else(|| kind.to_string(), |name| format!("{kind} {name}"))
}

/// The flags' names without what they have in common.
pub(super) fn flags(header: &Header) -> String {
    let names: Vec<_> = flag_names(header.flags).collect();
    match names.join("|").replace("NLM_F_", "") {
        none if none.is_empty() => "0".to_owned(),
        some => some,
    }
}

/// How many characters of a message's text are shown.
const TEXT: usize = 76;

/// The text in quotes, or the first bytes of what is not text.
pub(super) fn content(datagram: &Datagram) -> String {
    let payload = datagram.payload();
    if let Some(text) = datagram.text() {
        let captured = u32::try_from(datagram.data.len()).unwrap_or(u32::MAX);
        let cut = captured < datagram.len || text.chars().count() > TEXT;
        let text: String = text.chars().take(TEXT).collect();
        return format!("\"{text}\"{}", if cut { " …" } else { "" });
    }
    let shown: Vec<_> = payload
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let more = if payload.len() > 16 { " …" } else { "" };
    format!("{} bytes: {}{more}", payload.len(), shown.join(" "))
}

/// With one decimal, rounded down.
pub(super) fn microseconds(ns: u64) -> String {
    format!("{}.{}", ns / 1_000, ns % 1_000 / 100)
}
