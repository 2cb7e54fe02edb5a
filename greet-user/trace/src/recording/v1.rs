// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames' bodies, and version 1 of their content: separate types, so that the tool's own may
//! change while these stay as they are. No existing kind may be changed; later versions add kinds
//! ([`v2`]).

use std::borrow::Cow;

use greet_common::event::{COMM_SIZE, EXTACK_SIZE, LEN_UNKNOWN, RecordKind};
use serde::{Deserialize, Serialize};

use super::{Entry, v2};
use crate::event::{self, Event};

mod run;

use run::Opening;
pub(super) use run::{Closing, Greeting};

/// The longest datagram that is accepted, in bytes: longer than a tracer captures.
const CAPTURED_MAX: u32 = 1 << 17;

/// A frame's body. The variant's number is its kind.
#[derive(Serialize, Deserialize)]
pub(super) enum Body<'a> {
    #[serde(borrow)]
    Opening(Opening<'a>),
    #[serde(borrow)]
    Request(Request<'a>),
    #[serde(borrow)]
    Message(Message<'a>),
    #[serde(borrow)]
    Delivery(Delivery<'a>),
    #[serde(borrow)]
    Loss(Loss<'a>),
    #[serde(borrow)]
    Extack(Extack<'a>),
    #[serde(borrow)]
    Greeting(Greeting<'a>),
    Dropped(u64),
    Closing(Closing),
    // Since version 2.
    #[serde(borrow)]
    Read(v2::Read<'a>),
    #[serde(borrow)]
    Lost(v2::Lost<'a>),
    #[serde(borrow)]
    Close(v2::Close<'a>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Head<'a> {
    protocol: u32,
    call: u64,
    pid: u32,
    tid: u32,
    #[serde(with = "serde_bytes", borrow)]
    comm: &'a [u8],
    sock: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    head: Head<'a>,
    send_ns: u64,
    cross_ns: u64,
    handle_ns: u64,
    handled_ns: u64,
    sent_ns: u64,
    result: i32,
    unqueued: u32,
    #[serde(borrow)]
    datagram: Datagram<'a>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    head: Head<'a>,
    skb: u64,
    reply_ns: u64,
    queue_ns: u64,
    #[serde(borrow)]
    datagram: Datagram<'a>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Delivery<'a> {
    #[serde(borrow)]
    head: Head<'a>,
    skb: u64,
    receive_ns: u64,
    delivered_ns: u64,
    result: i32,
    flags: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Loss<'a> {
    #[serde(borrow)]
    head: Head<'a>,
    time_ns: u64,
    netns: u32,
    portid: u32,
    result: i32,
    overrun: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Extack<'a> {
    #[serde(borrow)]
    head: Head<'a>,
    time_ns: u64,
    #[serde(with = "serde_bytes", borrow)]
    text: &'a [u8],
}

#[derive(Serialize, Deserialize)]
pub(super) struct Datagram<'a> {
    netns: u32,
    portid: u32,
    peer_portid: u32,
    group: u32,
    len: u32,
    #[serde(borrow)]
    data: Padded<'a>,
}

/// Bytes, without trailing zeros: most replies are padded with them.
#[derive(Serialize, Deserialize)]
pub(super) struct Padded<'a> {
    len: u32,
    #[serde(with = "serde_bytes", borrow)]
    bytes: &'a [u8],
}

impl<'a> From<&'a crate::run::Opening> for Body<'a> {
    fn from(opening: &'a crate::run::Opening) -> Self {
        Self::Opening(Opening::from(opening))
    }
}

impl<'a> From<&'a Event> for Body<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::Request(it) => Self::Request(Request {
                head: Head::from(&it.head),
                send_ns: it.send_ns,
                cross_ns: it.cross_ns,
                handle_ns: it.handle_ns,
                handled_ns: it.handled_ns,
                sent_ns: it.sent_ns,
                result: it.end.result(it.result),
                unqueued: it.unqueued,
                datagram: Datagram::from(&it.datagram),
            }),
            Event::Message(it) => Self::Message(Message {
                head: Head::from(&it.head),
                skb: it.skb,
                reply_ns: it.reply_ns,
                queue_ns: it.queue_ns,
                datagram: Datagram::from(&it.datagram),
            }),
            Event::Delivery(it) => Self::Read(v2::Read::from(it)),
            Event::Loss(it) => Self::Lost(v2::Lost::from(it)),
            Event::Close(it) => Self::Close(v2::Close::from(it)),
            Event::Extack(it) => Self::Extack(Extack {
                head: Head::from(&it.head),
                time_ns: it.time_ns,
                text: until_nul(&it.text),
            }),
        }
    }
}

/// Leaves out what follows a name's NUL: no one wrote it.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}

impl<'a> From<&'a event::Head> for Head<'a> {
    fn from(head: &'a event::Head) -> Self {
        Self {
            protocol: head.protocol,
            call: head.call,
            pid: head.pid,
            tid: head.tid,
            comm: until_nul(&head.comm),
            sock: head.sock,
        }
    }
}

impl<'a> From<&'a event::Datagram> for Datagram<'a> {
    fn from(it: &'a event::Datagram) -> Self {
        Self {
            netns: it.netns,
            portid: it.portid,
            peer_portid: it.peer_portid,
            group: it.group,
            len: it.len,
            data: Padded::from(&*it.data),
        }
    }
}

impl<'a> From<&'a [u8]> for Padded<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        let last = bytes.iter().rposition(|byte| *byte != 0);
        Self {
            // Only as many bytes as a 32-bit length can express.
            len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            bytes: &bytes[..last.map_or(0, |at| at + 1)],
        }
    }
}

impl Body<'_> {
    /// Its entry, or what is wrong with it.
    pub(super) fn entry(self) -> Result<Entry, &'static str> {
        Ok(match self {
            Self::Opening(opening) => Entry::Opening(Box::new(opening.into())),
            Self::Greeting(greeting) => greeting.entry()?,
            Self::Dropped(events) => Entry::Dropped(events),
            Self::Closing(closing) => Entry::Closing(closing.into()),
            Self::Request(it) => Entry::Event(Event::Request(it.request()?)),
            Self::Message(it) => Entry::Event(Event::Message(event::Message {
                head: it.head.head(RecordKind::Message)?,
                skb: it.skb,
                reply_ns: it.reply_ns,
                queue_ns: it.queue_ns,
                datagram: it.datagram.datagram(it.head.protocol)?,
            })),
            Self::Delivery(it) => Entry::Event(Event::Delivery(event::Delivery {
                head: it.head.head(RecordKind::Delivery)?,
                skb: it.skb,
                receive_ns: it.receive_ns,
                delivered_ns: it.delivered_ns,
                result: it.result,
                flags: it.flags,
                copied: LEN_UNKNOWN,
                padding: 0,
            })),
            Self::Loss(it) => Entry::Event(Event::Loss(event::Loss {
                head: it.head.head(RecordKind::Loss)?,
                time_ns: it.time_ns,
                netns: it.netns,
                portid: it.portid,
                result: it.result,
                overrun: it.overrun,
                inode: 0,
                owner: None,
            })),
            Self::Read(it) => Entry::Event(Event::Delivery(it.delivery()?)),
            Self::Lost(it) => Entry::Event(Event::Loss(it.loss()?)),
            Self::Close(it) => Entry::Event(Event::Close(it.close()?)),
            Self::Extack(it) => Entry::Event(Event::Extack(event::Extack {
                head: it.head.head(RecordKind::Extack)?,
                time_ns: it.time_ns,
                text: filled::<EXTACK_SIZE>(it.text)?,
            })),
        })
    }
}

impl Request<'_> {
    fn request(&self) -> Result<event::Request, &'static str> {
        let (end, result) = event::End::of(self.sent_ns, self.result);
        Ok(event::Request {
            head: self.head.head(RecordKind::Request)?,
            send_ns: self.send_ns,
            cross_ns: self.cross_ns,
            handle_ns: self.handle_ns,
            handled_ns: self.handled_ns,
            sent_ns: self.sent_ns,
            result,
            end,
            unqueued: self.unqueued,
            datagram: self.datagram.datagram(self.head.protocol)?,
        })
    }
}

impl Head<'_> {
    pub(super) fn head(&self, kind: RecordKind) -> Result<event::Head, &'static str> {
        Ok(event::Head {
            kind: kind as u32,
            protocol: self.protocol,
            call: self.call,
            pid: self.pid,
            tid: self.tid,
            comm: filled::<COMM_SIZE>(self.comm)?,
            sock: self.sock,
        })
    }
}

impl Datagram<'_> {
    fn datagram(&self, protocol: u32) -> Result<event::Datagram, &'static str> {
        Ok(event::Datagram {
            protocol,
            netns: self.netns,
            portid: self.portid,
            peer_portid: self.peer_portid,
            group: self.group,
            len: self.len,
            beyond: event::Beyond::default(),
            data: self.data.filled()?.into(),
        })
    }
}

impl Padded<'_> {
    /// With its zeros.
    pub(super) fn filled(&self) -> Result<Vec<u8>, &'static str> {
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        if self.len > CAPTURED_MAX || len < self.bytes.len() {
            return Err("a datagram has an impossible length");
        }
        let mut bytes = Vec::with_capacity(len);
        bytes.extend(self.bytes);
        bytes.resize(len, 0);
        Ok(bytes)
    }
}

pub(super) fn filled<const N: usize>(bytes: &[u8]) -> Result<[u8; N], &'static str> {
    let mut filled = [0; N];
    let part = filled.get_mut(..bytes.len()).ok_or("a name is too long")?;
    part.copy_from_slice(bytes);
    Ok(filled)
}

/// Borrowed for writing, owned after reading.
type Text<'a> = Cow<'a, str>;
