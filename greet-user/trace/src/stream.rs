// SPDX-License-Identifier: MIT OR Apache-2.0
//! The only place where bytes from the ring buffer become events: every one is checked.

use std::collections::VecDeque;

use hashbrown::HashMap;

use greet_common::event::{
    self as record, Delivery, Head, Record, RecordError, RecordKind, RoundTrip,
};

use crate::event::{Beyond, Datagram, End, Event, Message, Request};

/// How many continuations may wait for their records. A record follows its continuation at once,
/// except for records from other CPUs in between; one that was dropped never comes.
const WAITING: usize = 1024;

/// A socket, and a buffer or a call.
type Key = (u64, u64);

/// Reads records one by one.
#[derive(Debug, Default)]
pub struct Stream {
    rests: HashMap<Key, Box<[u8]>>,
    order: VecDeque<Key>,
}

impl Stream {
    /// Reads one record and passes on the events that it contains: usually one, none for a record
    /// that is only a part of the next.
    ///
    /// # Errors
    /// [`RecordError`] if the bytes are not a record.
    pub fn read(&mut self, bytes: &[u8], take: &mut impl FnMut(Event)) -> Result<(), RecordError> {
        let event = match Record::try_from(bytes)? {
            Record::Request(record) => Event::Request(self.request(&record)),
            Record::Message(record) => Event::Message(Message {
                head: record.head,
                skb: record.skb,
                reply_ns: record.reply_ns,
                queue_ns: record.queue_ns,
                datagram: self.datagram(&record.head, record.skb, &record.datagram),
            }),
            Record::Delivery(record) => Event::Delivery(record),
            Record::Loss(record) => Event::Loss(record.into()),
            Record::Extack(record) => Event::Extack(record),
            Record::Close(record) => Event::Close(record),
            Record::RoundTrip(record) => {
                whole(&record).map(as_seen).into_iter().for_each(take);
                return Ok(());
            }
            Record::Continuation(head, data) => {
                self.keep((head.sock, head.id), data);
                return Ok(());
            }
        };
        take(as_seen(event));
        Ok(())
    }

    fn request(&mut self, record: &record::Request) -> Request {
        let (end, result) = End::of(record.sent_ns, record.result);
        Request {
            head: record.head,
            send_ns: record.send_ns,
            cross_ns: record.cross_ns,
            handle_ns: record.handle_ns,
            handled_ns: record.handled_ns,
            sent_ns: record.sent_ns,
            result,
            end,
            unqueued: record.unqueued,
            datagram: self.datagram(&record.head, record.head.call, &record.datagram),
        }
    }

    fn keep(&mut self, key: Key, data: &[u8]) {
        if self.rests.insert(key, data.into()).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > WAITING
            && let Some(oldest) = self.order.pop_front()
        {
            self.rests.remove(&oldest);
        }
    }

    fn datagram(
        &mut self,
        head: &record::Head,
        id: u64,
        record: &record::DatagramRecord,
    ) -> Datagram {
        let mut data = record.bytes().to_vec();
        if record.rest > 0 {
            let key = (head.sock, id);
            data.extend(self.rests.remove(&key).unwrap_or_default());
            self.order.retain(|waiting| *waiting != key);
        }
        Datagram {
            protocol: head.protocol,
            netns: record.netns,
            portid: record.portid,
            peer_portid: record.peer_portid,
            group: record.group,
            len: record.len,
            beyond: Beyond::of(record.mark, record.group),
            data: data.into(),
        }
    }
}

/// With the results that the program saw: if a signal interrupts a call, the kernel's internal
/// codes (`ERESTARTSYS` and the like, `include/linux/errno.h`) become EINTR before it returns, or
/// the call is restarted.
fn as_seen(mut event: Event) -> Event {
    let result = match &mut event {
        Event::Request(request) => &mut request.result,
        Event::Delivery(read) => &mut read.result,
        Event::Loss(loss) => &mut loss.result,
        Event::Message(_) | Event::Extack(_) | Event::Close(_) => return event,
    };
    if matches!(result.wrapping_neg(), 512..=514 | 516) {
        *result = -EINTR;
    }
    event
}

/// errno(3).
const EINTR: i32 = 4;

/// The events of a summary's record, in the order in which they are otherwise reported.
fn whole(record: &RoundTrip) -> [Event; 3] {
    let head = |kind| Head {
        kind: kind as u32,
        ..record.head
    };
    let datagram = |portid, peer_portid, len| Datagram {
        protocol: record.head.protocol,
        netns: record.netns,
        portid,
        peer_portid,
        group: 0,
        len,
        beyond: Beyond::default(),
        data: Box::default(),
    };
    [
        Event::Message(Message {
            head: head(RecordKind::Message),
            skb: record.skb,
            reply_ns: record.reply_ns,
            queue_ns: record.queue_ns,
            datagram: datagram(0, record.portid, record.reply_len),
        }),
        Event::Request(Request {
            head: head(RecordKind::Request),
            send_ns: record.send_ns,
            cross_ns: record.cross_ns,
            handle_ns: record.handle_ns,
            handled_ns: record.handled_ns,
            sent_ns: record.sent_ns,
            result: record.result,
            end: End::Returned,
            unqueued: 0,
            datagram: datagram(record.portid, 0, record.len),
        }),
        Event::Delivery(Delivery {
            head: head(RecordKind::Delivery),
            skb: record.skb,
            receive_ns: record.receive_ns,
            delivered_ns: record.delivered_ns,
            result: record.receive_result,
            flags: record.flags,
            copied: record.copied,
            padding: 0,
        }),
    ]
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use greet_common::event::{Extack, Loss, REST_SIZES, RestHead};
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    /// The events of one record.
    fn read(stream: &mut Stream, bytes: &[u8]) -> Result<Vec<Event>, RecordError> {
        let mut events = Vec::new();
        stream.read(bytes, &mut |event| events.push(event))?;
        Ok(events)
    }

    /// The same for a record of one event.
    fn event(bytes: &[u8]) -> Result<Event, RecordError> {
        let events = read(&mut Stream::default(), bytes);
        events.map(|mut events| events.pop().expect("an event"))
    }

    /// A delivery's record as the eBPF program writes it.
    fn delivery(result: i32) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in [RecordKind::Delivery as u32, 31] {
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
        // Its flags, the copied length, padding.
        for field in [0_u32, 36, 0] {
            bytes.extend(field.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn a_delivery_keeps_what_was_returned() {
        let Ok(Event::Delivery(read)) = event(&delivery(-14)) else {
            panic!("no delivery");
        };
        assert_eq!(
            (read.result, read.delivered_ns, read.copied),
            (-14, 2_000, 36)
        );
        for (kernels, seen) in [(-512, -4), (-513, -4), (-514, -4), (-516, -4), (-515, -515)] {
            let Event::Delivery(read) = event(&delivery(kernels)).expect("a record") else {
                panic!("a delivery")
            };
            assert_eq!(read.result, seen);
        }
        assert_eq!((read.head.pid, read.head.tid), (70, 71));
        assert_eq!(crate::event::comm(&read.head), b"greet-user");
    }

    /// A message's record with a datagram of 300 bytes, 28 of which came before.
    fn message(skb: u64) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<record::Message>()];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &(RecordKind::Message as u32).to_ne_bytes());
        put(offset_of!(record::Message, skb), &skb.to_ne_bytes());
        let datagram = offset_of!(record::Message, datagram);
        for (at, field) in [
            (offset_of!(record::DatagramRecord, len), 300_u32),
            (offset_of!(record::DatagramRecord, captured), 272),
            (offset_of!(record::DatagramRecord, rest), 28),
        ] {
            put(datagram + at, &field.to_ne_bytes());
        }
        bytes
    }

    fn rest(id: u64, byte: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in [RecordKind::Continuation as u32, 28] {
            bytes.extend(field.to_ne_bytes());
        }
        bytes.extend(0_u64.to_ne_bytes());
        bytes.extend(id.to_ne_bytes());
        bytes.resize(bytes.len() + 512, byte);
        bytes
    }

    #[test]
    fn a_rest_joins_its_own_record_and_no_other() {
        let mut stream = Stream::default();
        let mut of = |bytes: Vec<u8>| read(&mut stream, &bytes).expect("a record").pop();
        assert_eq!(of(rest(7, 0x11)), None, "its record was dropped");
        assert_eq!(of(rest(8, 0x22)), None);
        assert_eq!(of(rest(7, 0x33)), None);
        for (skb, byte) in [(7, 0x33), (8, 0x22)] {
            let Some(Event::Message(message)) = of(message(skb)) else {
                panic!("no message");
            };
            assert_eq!(message.datagram.data.len(), 300);
            assert_eq!(message.datagram.data[272..], [byte; 28]);
        }
        assert!(stream.order.is_empty() && stream.rests.is_empty());
    }

    #[test]
    fn rests_that_nobody_fetches_do_not_pile_up() {
        let mut stream = Stream::default();
        for id in 0..5_000 {
            assert_eq!(read(&mut stream, &rest(id, 0)), Ok(Vec::new()));
        }
        assert_eq!((stream.order.len(), stream.rests.len()), (WAITING, WAITING));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(kind in 0_u32..9, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut record = kind.to_ne_bytes().to_vec();
            record.extend(bytes);
            if read(&mut Stream::default(), &record).is_ok() {
                let sizes = [
                    size_of::<Delivery>(),
                    size_of::<Loss>(),
                    size_of::<Extack>(),
                    size_of::<record::Message>(),
                    size_of::<RoundTrip>(),
                    size_of::<record::Close>(),
                    size_of::<RestHead>() + REST_SIZES[0],
                ];
                prop_assert!(kind == RecordKind::Request as u32 || sizes.contains(&record.len()));
            }
        }

        #[test]
        fn a_damaged_record_is_refused_or_read(at in 4_usize..88, byte: u8, len in 0_usize..=88) {
            let mut bytes = delivery(36);
            bytes[at] = byte;
            bytes.truncate(len);
            if let Ok(event) = event(&bytes) {
                prop_assert!(len == 88 && matches!(event, Event::Delivery(_)));
            }
        }
    }
}
