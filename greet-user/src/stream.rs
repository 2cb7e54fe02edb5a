// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes from the ring buffer become events: here, checked, and nowhere else.

use greet_common::{
    Stage,
    event::{Record, RecordError, Stamp},
};

use crate::event::{Detail, Event, Message};

/// Reads one record.
///
/// # Errors
/// [`RecordError`] where the bytes are not a record.
pub fn event(bytes: &[u8]) -> Result<Event, RecordError> {
    let (stamp, stage, detail) = match Record::try_from(bytes)? {
        Record::Entry(entry, stage) => {
            let comm = entry
                .comm
                .split(|byte| *byte == 0)
                .next()
                .unwrap_or_default();
            let captured = usize::try_from(entry.captured).unwrap_or(0);
            let message = Message {
                protocol: entry.stamp.protocol,
                netns: entry.netns,
                portid: entry.portid,
                peer_portid: entry.peer_portid,
                comm: comm.to_vec(),
                len: entry.len,
                data: entry.data.get(..captured).unwrap_or_default().to_vec(),
            };
            (entry.stamp, stage, Detail::Entered(message))
        }
        Record::Return(left, stage) => {
            let result = (stage != Stage::Handled).then_some(left.result);
            (left.stamp, stage, Detail::Left(result))
        }
    };
    let Stamp {
        time_ns,
        skb,
        pid,
        tid,
        stage: _,
        protocol: _,
    } = stamp;
    Ok(Event {
        time_ns,
        stage,
        pid,
        tid,
        skb,
        detail,
    })
}

#[cfg(test)]
mod tests {
    use greet_common::event::{Entry, Return};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    /// A `crossed` record as the eBPF program writes it.
    fn crossed(result: i32, stage: Stage) -> Vec<u8> {
        let mut bytes = 1_000_u64.to_ne_bytes().to_vec();
        bytes.extend(0xffff_8880_1234_5678_u64.to_ne_bytes());
        for field in [stage.number(), 70, 71, 31] {
            bytes.extend(field.to_ne_bytes());
        }
        bytes.extend(result.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn a_return_keeps_what_was_returned() {
        let event = event(&crossed(-111, Stage::Crossed)).expect("a record");
        assert_eq!(event.result(), Some(-111));
        assert_eq!((event.pid, event.tid, event.time_ns), (70, 71, 1_000));
    }

    #[test]
    fn a_callback_returns_nothing() {
        let event = event(&crossed(5, Stage::Handled)).expect("a record");
        assert_eq!(event.detail, Detail::Left(None));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if event(&bytes).is_ok() {
                prop_assert!([size_of::<Entry>(), size_of::<Return>()].contains(&bytes.len()));
            }
        }

        #[test]
        fn a_damaged_record_is_refused_or_read(at in 0_usize..40, byte: u8, len in 0_usize..=40) {
            let mut bytes = crossed(36, Stage::Crossed);
            bytes[at] = byte;
            bytes.truncate(len);
            if let Ok(event) = event(&bytes) {
                prop_assert_eq!(bytes.len(), size_of::<Return>());
                prop_assert!(event.message().is_none());
            }
        }
    }
}
