// SPDX-License-Identifier: MIT OR Apache-2.0
//! A message as it crosses the boundary.

use greet_common::{
    Stage,
    wire::{HEADER_SIZE, Header},
};
use serde::{Serialize, Serializer};

use super::{
    lines::VERSION,
    serialize::{as_text, flags, hex, is_zero},
};
use crate::{
    event::{Datagram, Head, Message, Request, comm, protocol_name, type_name},
    journey::Seen,
};

#[derive(Serialize)]
pub(super) struct MessageLine<'a> {
    v: u32,
    t_ns: u64,
    stage: &'static str,
    direction: &'static str,
    protocol: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_name: Option<&'static str>,
    pid: u32,
    tid: u32,
    #[serde(serialize_with = "as_text")]
    comm: &'a [u8],
    netns: u32,
    portid: u32,
    peer_portid: u32,
    #[serde(skip_serializing_if = "is_zero")]
    group: u32,
    len: u32,
    captured_len: usize,
    headers: Headers,
    #[serde(serialize_with = "hex")]
    payload_hex: &'a [u8],
    #[serde(serialize_with = "hex", skip_serializing_if = "<[_]>::is_empty")]
    data_hex: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<i32>,
}

/// The headers of a datagram's messages.
struct Headers {
    protocol: u32,
    of: Vec<Header>,
}

#[derive(Serialize)]
struct HeaderObject {
    len: u32,
    #[serde(rename = "type")]
    kind: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    type_name: Option<&'static str>,
    #[serde(serialize_with = "flags")]
    flags: u16,
    seq: u32,
    portid: u32,
}

impl<'a> MessageLine<'a> {
    pub(super) fn of_request(request: &'a Request) -> Self {
        let (stage, t_ns) = match request.cross_ns {
            0 => (Stage::Send, request.send_ns),
            cross_ns => (Stage::Cross, cross_ns),
        };
        let error = (request.result < 0).then_some(request.result);
        Self::new(
            &request.head,
            &request.datagram,
            Seen {
                stage,
                time_ns: t_ns,
            },
            error,
        )
    }

    pub(super) fn of_message(message: &'a Message, seen: Seen) -> Self {
        Self::new(&message.head, &message.datagram, seen, None)
    }

    fn new(head: &'a Head, datagram: &'a Datagram, seen: Seen, error: Option<i32>) -> Self {
        let headers = datagram.headers();
        let payload = datagram.payload();
        // What the first header and its payload do not tell already.
        let is_told = !headers.is_empty() && datagram.data.len() == HEADER_SIZE + payload.len();
        Self {
            v: VERSION,
            t_ns: seen.time_ns,
            stage: seen.stage.name(),
            direction: datagram.direction().name(),
            protocol: datagram.protocol,
            protocol_name: protocol_name(datagram.protocol),
            pid: head.pid,
            tid: head.tid,
            comm: comm(head),
            netns: datagram.netns,
            portid: datagram.portid,
            peer_portid: datagram.peer_portid,
            group: datagram.group,
            len: datagram.len,
            captured_len: datagram.data.len(),
            headers: Headers {
                protocol: datagram.protocol,
                of: headers,
            },
            payload_hex: payload,
            data_hex: if is_told { &[] } else { &datagram.data },
            text: datagram.text(),
            error,
        }
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.of.iter().map(|header| HeaderObject {
            len: header.len,
            kind: header.kind,
            type_name: type_name(self.protocol, header.kind),
            flags: header.flags,
            seq: header.seq,
            portid: header.portid,
        }))
    }
}
