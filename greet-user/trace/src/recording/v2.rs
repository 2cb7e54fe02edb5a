// SPDX-License-Identifier: MIT OR Apache-2.0
//! What version 2 adds. Kinds: a delivery with how much of the message was copied, a loss with the
//! owner of the socket, and a socket that was closed. And after the fields of any kind, additions:
//! pairs of a tag and a number. A tag is never reused, and an unknown one is skipped: later
//! additions need no new version.

use greet_common::event::{COMM_SIZE, RecordKind};
use serde::{Deserialize, Serialize};

use super::{
    Entry,
    v1::{Head, filled, until_nul},
};
use crate::event::{self, Beyond, Event};

/// A datagram's mark ([`greet_common::event::Mark`]).
const MARK: u32 = 1;

/// A tag, and its number.
pub(super) type Addition = (u32, u64);

#[derive(Serialize, Deserialize)]
pub(super) struct Read<'a> {
    #[serde(borrow)]
    head: Head<'a>,
    skb: u64,
    receive_ns: u64,
    delivered_ns: u64,
    result: i32,
    flags: u32,
    copied: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Lost<'a> {
    #[serde(borrow)]
    head: Head<'a>,
    time_ns: u64,
    netns: u32,
    portid: u32,
    result: i32,
    overrun: u32,
    inode: u64,
    #[serde(borrow)]
    owner: Option<Owner<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Close<'a> {
    #[serde(borrow)]
    head: Head<'a>,
    time_ns: u64,
}

#[derive(Serialize, Deserialize)]
struct Owner<'a> {
    pid: u32,
    #[serde(with = "serde_bytes", borrow)]
    comm: &'a [u8],
}

impl<'a> From<&'a event::Delivery> for Read<'a> {
    fn from(it: &'a event::Delivery) -> Self {
        Self {
            head: Head::from(&it.head),
            skb: it.skb,
            receive_ns: it.receive_ns,
            delivered_ns: it.delivered_ns,
            result: it.result,
            flags: it.flags,
            copied: it.copied,
        }
    }
}

impl Read<'_> {
    pub(super) fn delivery(&self) -> Result<event::Delivery, &'static str> {
        Ok(event::Delivery {
            head: self.head.head(RecordKind::Delivery)?,
            skb: self.skb,
            receive_ns: self.receive_ns,
            delivered_ns: self.delivered_ns,
            result: self.result,
            flags: self.flags,
            copied: self.copied,
            padding: 0,
        })
    }
}

impl<'a> From<&'a event::Loss> for Lost<'a> {
    fn from(it: &'a event::Loss) -> Self {
        Self {
            head: Head::from(&it.head),
            time_ns: it.time_ns,
            netns: it.netns,
            portid: it.portid,
            result: it.result,
            overrun: it.overrun,
            inode: it.inode,
            owner: it.owner.as_ref().map(|owner| Owner {
                pid: owner.pid,
                comm: until_nul(&owner.comm),
            }),
        }
    }
}

impl Lost<'_> {
    pub(super) fn loss(&self) -> Result<event::Loss, &'static str> {
        let owner = self.owner.as_ref().map(|owner| {
            Ok::<_, &'static str>(event::Owner {
                pid: owner.pid,
                comm: filled::<COMM_SIZE>(owner.comm)?,
            })
        });
        Ok(event::Loss {
            head: self.head.head(RecordKind::Loss)?,
            time_ns: self.time_ns,
            netns: self.netns,
            portid: self.portid,
            result: self.result,
            overrun: self.overrun,
            inode: self.inode,
            owner: owner.transpose()?,
        })
    }
}

impl<'a> From<&'a event::Close> for Close<'a> {
    fn from(it: &'a event::Close) -> Self {
        Self {
            head: Head::from(&it.head),
            time_ns: it.time_ns,
        }
    }
}

impl Close<'_> {
    pub(super) fn close(&self) -> Result<event::Close, &'static str> {
        Ok(event::Close {
            head: self.head.head(RecordKind::Close)?,
            time_ns: self.time_ns,
        })
    }
}

/// What is written after the fields of an event; zeros are left out.
pub(super) fn additions(event: &Event) -> impl Iterator<Item = Addition> {
    let mark = match event {
        Event::Request(it) => it.datagram.beyond.mark(),
        Event::Message(it) => it.datagram.beyond.mark(),
        Event::Delivery(_) | Event::Loss(_) | Event::Extack(_) | Event::Close(_) => 0,
    };
    let all = [(MARK, u64::from(mark))].into_iter();
    all.filter(|(_, value)| *value != 0)
}

/// Reads what follows the fields of an entry.
pub(super) fn add(entry: &mut Entry, mut bytes: &[u8]) -> Result<(), &'static str> {
    while !bytes.is_empty() {
        let ((tag, value), rest): (Addition, _) =
            postcard::take_from_bytes(bytes).map_err(|_| "a frame's additions are cut")?;
        bytes = rest;
        let datagram = match entry {
            Entry::Event(Event::Request(it)) => &mut it.datagram,
            Entry::Event(Event::Message(it)) => &mut it.datagram,
            _ => continue,
        };
        if tag == MARK {
            let mark = u32::try_from(value).unwrap_or_default();
            datagram.beyond = Beyond::of(mark, datagram.group);
        }
    }
    Ok(())
}
