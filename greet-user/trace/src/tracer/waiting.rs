// SPDX-License-Identifier: MIT OR Apache-2.0
//! What summary mode has deferred until a reply is read, if the reply was never read.

use std::mem::offset_of;

use aya::maps::{Array, MapData};
use greet_common::{
    call::{CALL_SLOTS, Call, CallState},
    event::{self as record, REQUEST_HEAD, RecordKind},
};

use zerocopy::FromBytes as _;

use crate::{
    event::{Datagram, End, Event, Message, Request},
    kernel::TracerError,
};

/// A slot as stored in the map.
pub(super) type CallBytes = [u8; size_of::<Call>()];

/// The requests and replies in the slots, once nothing is attached any more.
pub(super) fn events(
    calls: &Array<MapData, CallBytes>,
    take: &mut impl FnMut(Event),
) -> Result<(), TracerError> {
    for slot in 0..CALL_SLOTS {
        let bytes = calls.get(&slot, 0).map_err(TracerError::setup)?;
        for event in waiting(&bytes).into_iter().flatten() {
            take(event);
        }
    }
    Ok(())
}

/// The reply and the request that wait in this slot, if any.
fn waiting(bytes: &CallBytes) -> Option<[Event; 2]> {
    const REQUEST: usize = offset_of!(Call, request);
    let call = Call::read_from_bytes(bytes).ok()?;
    if call.owner == 0 || call.doing != CallState::Waiting as u64 {
        return None;
    }
    let request = record::Request::try_from(&bytes[REQUEST..REQUEST + REQUEST_HEAD]).ok()?;
    let sent = &request.datagram;
    let datagram = |portid, peer_portid, len| Datagram {
        protocol: request.head.protocol,
        netns: sent.netns,
        portid,
        peer_portid,
        group: 0,
        len,
        beyond: crate::event::Beyond::default(),
        data: Box::default(),
    };
    let answer = Message {
        head: record::Head {
            kind: RecordKind::Message as u32,
            ..request.head
        },
        skb: call.answer_skb,
        reply_ns: call.answer_reply_ns,
        queue_ns: call.answer_queue_ns,
        datagram: datagram(0, sent.portid, call.answer_len),
    };
    let asked = Request {
        head: request.head,
        send_ns: request.send_ns,
        cross_ns: request.cross_ns,
        handle_ns: request.handle_ns,
        handled_ns: request.handled_ns,
        sent_ns: request.sent_ns,
        result: request.result,
        end: End::Returned,
        unqueued: request.unqueued,
        datagram: datagram(sent.portid, sent.peer_portid, sent.len),
    };
    Some([Event::Message(answer), Event::Request(asked)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(owner: u64, doing: u64) -> CallBytes {
        let mut bytes = [0; size_of::<Call>()];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(offset_of!(Call, owner), &owner.to_ne_bytes());
        put(offset_of!(Call, doing), &doing.to_ne_bytes());
        put(offset_of!(Call, answer_skb), &7_u64.to_ne_bytes());
        put(offset_of!(Call, answer_queue_ns), &2_000_u64.to_ne_bytes());
        put(offset_of!(Call, answer_len), &272_u32.to_ne_bytes());
        let request = offset_of!(Call, request);
        let of = |field| request + field;
        put(
            of(offset_of!(record::Request, send_ns)),
            &1_000_u64.to_ne_bytes(),
        );
        put(
            of(offset_of!(record::Request, cross_ns)),
            &1_500_u64.to_ne_bytes(),
        );
        let datagram = of(offset_of!(record::Request, datagram));
        put(
            datagram + offset_of!(record::DatagramRecord, portid),
            &71_u32.to_ne_bytes(),
        );
        put(
            datagram + offset_of!(record::DatagramRecord, len),
            &36_u32.to_ne_bytes(),
        );
        bytes
    }

    #[test]
    fn only_what_waits_is_told() {
        let waits = CallState::Waiting as u64;
        for (owner, doing) in [
            (0, waits),
            (71, CallState::Sending as u64),
            (71, 0),
            (71, 99),
        ] {
            assert_eq!(waiting(&slot(owner, doing)), None);
        }
        let Some([Event::Message(answer), Event::Request(request)]) = waiting(&slot(71, waits))
        else {
            panic!("nothing told");
        };
        assert_eq!(
            (answer.skb, answer.queue_ns, answer.datagram.len),
            (7, 2_000, 272)
        );
        assert_eq!(
            (answer.datagram.portid, answer.datagram.peer_portid),
            (0, 71)
        );
        assert_eq!((request.send_ns, request.datagram.len), (1_000, 36));
    }
}
