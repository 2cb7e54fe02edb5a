// SPDX-License-Identifier: MIT OR Apache-2.0
//! A message as it crosses the boundary.

use greet_common::wire::{HEADER_SIZE, Header};

use super::{
    lines::VERSION,
    object::{Object, string},
};
use crate::{
    event::{Datagram, Head, Message, Request, comm, flag_names, protocol_name, type_name},
    journey::Seen,
};

/// Appends a request.
pub(super) fn request(line: &mut Vec<u8>, request: &Request) {
    let error = (request.result < 0).then_some(request.result);
    write(
        line,
        &request.head,
        &request.datagram,
        request.seen(),
        error,
    );
}

/// Appends a message that was put into a queue.
pub(super) fn message(line: &mut Vec<u8>, message: &Message, seen: Seen) {
    let error = message.datagram.error();
    write(line, &message.head, &message.datagram, seen, error);
}

fn write(line: &mut Vec<u8>, head: &Head, datagram: &Datagram, seen: Seen, error: Option<i32>) {
    let headers = datagram.headers();
    let payload = datagram.payload();
    // What the first header and its payload do not tell already.
    let is_told = !headers.is_empty() && datagram.data.len() == HEADER_SIZE + payload.len();
    Object::write(line, |line| {
        line.word("kind", "message");
        line.number("v", VERSION);
        line.number("t_ns", seen.time_ns);
        line.word("stage", seen.stage.name());
        line.word("direction", datagram.direction().name());
        line.number("protocol", datagram.protocol);
        if let Some(name) = protocol_name(datagram.protocol) {
            line.word("protocol_name", name);
        }
        line.number("pid", head.pid);
        line.number("tid", head.tid);
        line.escaped("comm", comm(head));
        line.number("netns", datagram.netns);
        line.number("portid", datagram.portid);
        line.number("peer_portid", datagram.peer_portid);
        if datagram.group != 0 {
            line.number("group", datagram.group);
        }
        line.number("len", datagram.len);
        line.number("captured_len", datagram.data.len());
        line.list("headers", &headers, |line, one| {
            header(line, datagram.protocol, one);
        });
        line.hex("payload_hex", payload);
        if !is_told && !datagram.data.is_empty() {
            line.hex("data_hex", &datagram.data);
        }
        if let Some(text) = datagram.text() {
            line.text("text", text);
        }
        if let Some(error) = error {
            line.number("error", error);
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
