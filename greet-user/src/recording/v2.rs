// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kinds that version 2 adds: a delivery with how much of the message was copied, and a loss
//! with who owns the socket.

use greet_common::event::{COMM_SIZE, Kind};
use serde::{Deserialize, Serialize};

use super::v1::{Head, filled, until_nul};
use crate::event;

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
            head: self.head.head(Kind::Delivery)?,
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
            head: self.head.head(Kind::Loss)?,
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
