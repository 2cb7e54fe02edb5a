// SPDX-License-Identifier: MIT OR Apache-2.0
//! A message as it crosses the boundary.

use greet_common::wire::{HEADER_SIZE, Header};
use greet_trace::{
    event::{
        Datagram, Direction, Head, Message, Request, comm, flag_names, protocol_name, type_name,
    },
    journey::Seen,
};

use super::{
    lines::VERSION,
    object::{Object, string},
};

/// Appends a request.
pub(super) fn request(line: &mut Vec<u8>, request: &Request) {
    let crossing = Crossing {
        head: &request.head,
        datagram: &request.datagram,
        seen: request.seen(),
        direction: request.direction(),
        len: request.length(),
        error: (request.result < 0).then_some(request.result),
    };
    write(line, &crossing);
}

/// Appends a message that was queued.
pub(super) fn message(line: &mut Vec<u8>, message: &Message, seen: Seen) {
    let datagram = &message.datagram;
    let crossing = Crossing {
        head: &message.head,
        datagram,
        seen,
        direction: datagram.direction(),
        len: Some(datagram.len),
        error: datagram.error(),
    };
    write(line, &crossing);
}

/// A message, and what is known of it besides its bytes.
struct Crossing<'a> {
    head: &'a Head,
    datagram: &'a Datagram,
    seen: Seen,
    direction: Direction,
    len: Option<u32>,
    error: Option<i32>,
}

fn write(line: &mut Vec<u8>, crossing: &Crossing<'_>) {
    let Crossing {
        head,
        datagram,
        seen,
        direction,
        len,
        error,
    } = crossing;
    let headers = datagram.headers();
    let payload = datagram.payload();
    // Do the first header and its payload cover all the bytes?
    let is_told = !headers.is_empty() && datagram.data.len() == HEADER_SIZE + payload.len();
    Object::write(line, |line| {
        line.word("kind", "message");
        line.number("v", VERSION);
        line.number("t_ns", seen.time_ns);
        line.word("stage", seen.stage.name());
        line.word("direction", direction.name());
        line.number("protocol", datagram.protocol);
        if let Some(name) = protocol_name(datagram.protocol) {
            line.word("protocol_name", name);
        }
        line.number("pid", head.pid);
        line.number("tid", head.tid);
        line.escaped("comm", comm(head));
        if datagram.netns != 0 {
            line.number("netns", datagram.netns);
        }
        line.number("portid", datagram.portid);
        line.number("peer_portid", datagram.peer_portid);
        if datagram.group != 0 {
            line.number("group", datagram.group);
        }
        if let Some(nsid) = datagram.beyond.nsid {
            line.number("nsid", nsid);
        }
        if let Some(len) = len {
            line.number("len", *len);
        }
        line.number("captured_len", datagram.data.len());
        line.list("headers", &headers, |line, one| {
            header(line, datagram.protocol, one);
        });
        line.hex("payload_hex", payload);
        if !is_told && !datagram.data.is_empty() {
            line.hex("data_hex", &datagram.data);
        }
        if let Some(text) = datagram.text() {
            line.text("text", &text);
        }
        if let Some(error) = error {
            line.number("error", *error);
        }
    });
}

fn header(line: &mut Vec<u8>, protocol: u32, header: &Header) {
    Object::write(line, |line| {
        line.number("len", header.len);
        line.number("type", header.kind);
        if let Some(name) = type_name(protocol, header.kind) {
            line.word("type_name", name);
        }
        line.list("flags", flag_names(protocol, header), |line, name| {
            string(line, &name);
        });
        line.number("seq", header.seq);
        line.number("portid", header.portid);
    });
}
