// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes from the ring buffer become events: here, checked, and nowhere else.

use greet_common::event::{self as record, Record, RecordError};

use crate::event::{Datagram, Event, Message, Request};

/// Reads one record.
///
/// # Errors
/// [`RecordError`] where the bytes are not a record.
pub fn event(bytes: &[u8]) -> Result<Event, RecordError> {
    Ok(match Record::try_from(bytes)? {
        Record::Request(record) => Event::Request(Request {
            head: record.head,
            send_ns: record.send_ns,
            cross_ns: record.cross_ns,
            handle_ns: record.handle_ns,
            handled_ns: record.handled_ns,
            sent_ns: record.sent_ns,
            result: record.result,
            datagram: datagram(record.head.protocol, &record.datagram),
        }),
        Record::Message(record) => Event::Message(Message {
            head: record.head,
            skb: record.skb,
            reply_ns: record.reply_ns,
            queue_ns: record.queue_ns,
            datagram: datagram(record.head.protocol, &record.datagram),
        }),
        Record::Delivery(record) => Event::Delivery(record),
        Record::Loss(record) => Event::Loss(record),
        Record::Extack(record) => Event::Extack(record),
    })
}

fn datagram(protocol: u32, record: &record::Datagram) -> Datagram {
    Datagram {
        protocol,
        netns: record.netns,
        portid: record.portid,
        peer_portid: record.peer_portid,
        group: record.group,
        len: record.len,
        data: record.bytes().into(),
    }
}

#[cfg(test)]
mod tests {
    use greet_common::event::{Delivery, Extack, Kind, Loss};
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    /// A delivery's record as the eBPF program writes it.
    fn delivery(result: i32) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in [Kind::Delivery as u32, 31] {
            bytes.extend(field.to_ne_bytes());
        }
        bytes.extend((7_u64 << 32 | 71).to_ne_bytes());
        bytes.extend(70_u32.to_ne_bytes());
        bytes.extend(71_u32.to_ne_bytes());
        bytes.extend(b"greet-user\0\0\0\0\0\0");
        for field in [
            0xffff_8880_1234_5678_u64,
            0xffff_8880_0000_0000,
            1_000,
            2_000,
        ] {
            bytes.extend(field.to_ne_bytes());
        }
        bytes.extend(result.to_ne_bytes());
        bytes.extend(0_u32.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_delivery_keeps_what_was_returned() {
        let Ok(Event::Delivery(read)) = event(&delivery(-14)) else {
            panic!("no delivery");
        };
        assert_eq!((read.result, read.delivered_ns), (-14, 2_000));
        assert_eq!((read.head.pid, read.head.tid), (70, 71));
        assert_eq!(crate::event::comm(&read.head), b"greet-user");
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(kind in 0_u32..8, bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let mut record = kind.to_ne_bytes().to_vec();
            record.extend(bytes);
            if event(&record).is_ok() {
                let sizes = [
                    size_of::<Delivery>(),
                    size_of::<Loss>(),
                    size_of::<Extack>(),
                    size_of::<record::Message>(),
                ];
                prop_assert!(kind == Kind::Request as u32 || sizes.contains(&record.len()));
            }
        }

        #[test]
        fn a_damaged_record_is_refused_or_read(at in 4_usize..80, byte: u8, len in 0_usize..=80) {
            let mut bytes = delivery(36);
            bytes[at] = byte;
            bytes.truncate(len);
            if let Ok(event) = event(&bytes) {
                prop_assert!(len == 80 && matches!(event, Event::Delivery(_)));
            }
        }
    }
}
