// SPDX-License-Identifier: MIT OR Apache-2.0
//! Message headers in the form that the page reads, and the positions of their fields:
//! `struct nlmsghdr` and `struct nlmsgerr` (include/uapi/linux/netlink.h).

use greet_common::wire::{ALIGN_TO, HEADER_SIZE, Header, NLMSG_ERROR};
use serde::Serialize;

use greet_trace::event::{Datagram, flag_names, type_name};

/// Types below this are control messages (`NLMSG_MIN_TYPE`).
const FIRST_TYPE: u16 = 16;
/// Number of headers kept per datagram.
const HEADERS: usize = 64;
/// Size of the error in front of the quoted header, bytes.
const ERROR_SIZE: usize = size_of::<i32>();

/// A field of a header: its name and its position, in bytes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Field {
    name: &'static str,
    offset: usize,
    length: usize,
}

/// The fields of a message's header, and the error behind it in an `NLMSG_ERROR`.
pub(super) const FIELDS: [Field; 6] = [
    field("nlmsg_len", 0, 4),
    field("nlmsg_type", 4, 2),
    field("nlmsg_flags", 6, 2),
    field("nlmsg_seq", 8, 4),
    field("nlmsg_pid", 12, 4),
    field("error", HEADER_SIZE, ERROR_SIZE),
];

const fn field(name: &'static str, offset: usize, length: usize) -> Field {
    Field {
        name,
        offset,
        length,
    }
}

/// A header.
#[derive(Serialize)]
pub(super) struct HeaderData {
    /// Its offset in the datagram.
    at: usize,
    len: u32,
    r#type: u16,
    /// The type's name, or a description.
    type_name: String,
    /// The type in words, with its number if it has no name.
    words: String,
    flags: u16,
    flag_names: String,
    seq: u32,
    port: u32,
    /// Whether an error follows it.
    has_error: bool,
    /// Whether an error message quotes it.
    is_quoted: bool,
}

/// The headers of all messages of a datagram, and those that errors quote.
pub(super) fn of(datagram: &Datagram) -> Vec<HeaderData> {
    let mut all = Vec::new();
    let mut at = 0;
    for header in datagram.headers().into_iter().take(HEADERS) {
        all.push(HeaderData::of(datagram.protocol, at, &header, false));
        let quoted_at = at + HEADER_SIZE + ERROR_SIZE;
        if header.kind == NLMSG_ERROR
            && let Some(Ok(quoted)) = datagram.data.get(quoted_at..).map(Header::parse)
            && header.len as usize >= quoted_at - at + HEADER_SIZE
        {
            all.push(HeaderData::of(datagram.protocol, quoted_at, &quoted, true));
        }
        at += (header.len as usize).next_multiple_of(ALIGN_TO);
    }
    all
}

impl HeaderData {
    fn of(protocol: u32, at: usize, header: &Header, is_quoted: bool) -> Self {
        let flags: Vec<_> = flag_names(protocol, header).collect();
        let name = type_name(protocol, header.kind);
        let unnamed = if is_control(header.kind) {
            "a control message of netlink itself"
        } else {
            ""
        };
        Self {
            at,
            len: header.len,
            r#type: header.kind,
            type_name: name.unwrap_or(unnamed).to_owned(),
            words: type_words(protocol, header.kind),
            flags: header.flags,
            flag_names: flags.join(" | "),
            seq: header.seq,
            port: header.portid,
            has_error: header.kind == NLMSG_ERROR && !is_quoted,
            is_quoted,
        }
    }
}

/// Whether it is a control message, which every protocol has.
pub(super) const fn is_control(kind: u16) -> bool {
    kind < FIRST_TYPE
}

/// A type's name, or its number.
pub(super) fn type_words(protocol: u32, kind: u16) -> String {
    type_name(protocol, kind).map_or_else(|| format!("type {kind}"), str::to_owned)
}
