// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Fills the records, in place and field by field.
#![expect(
    unsafe_code,
    reason = "a record is written through a pointer to memory without a value"
)]

use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use greet_common::event::{DatagramRecord, Head, Mark, RecordKind};

use crate::{
    globals::SUMMARY,
    read::{Fault, Memory, Skb, Sock},
    task::Task,
};

/// The current time: CLOCK_MONOTONIC, ns.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: the helper takes nothing and only returns a number.
    unsafe { bpf_ktime_get_ns() }
}

/// Fills the start of a record, except for the call's number.
///
/// # Safety
/// `to` must be valid for writes.
#[inline(always)]
pub unsafe fn head(
    to: *mut Head,
    kind: RecordKind,
    protocol: u32,
    task: &Task,
    sock: Sock,
) -> Result<(), Fault> {
    // A summary names no task.
    let comm = if SUMMARY.load() == 0 {
        task.comm()?
    } else {
        [0; 2]
    };
    // SAFETY: the caller guarantees `to`; the name has room for two numbers, at an offset aligned
    // for them.
    unsafe {
        (&raw mut (*to).kind).write(kind as u32);
        (&raw mut (*to).protocol).write(protocol);
        (&raw mut (*to).pid).write(task.pid);
        (&raw mut (*to).tid).write(task.tid);
        (&raw mut (*to).comm).cast::<[u64; 2]>().write(comm);
        (&raw mut (*to).sock).write(sock.0 as u64);
    }
    Ok(())
}

/// The end points of a datagram.
#[derive(Clone, Copy)]
pub struct Ends {
    /// Port ID of the sending socket.
    pub portid: u32,
    /// Port ID of the receiving socket.
    pub peer_portid: u32,
}

/// Fills a datagram, `rest` bytes of which were emitted before it; the socket is read through `S`,
/// the buffer through `B`.
///
/// # Safety
/// `to` must be valid for writes.
#[inline(always)]
pub unsafe fn datagram<S: Memory, B: Memory>(
    to: *mut DatagramRecord,
    sock: Sock,
    skb: Skb,
    ends: Ends,
    rest: u32,
) -> Result<(), Fault> {
    // SAFETY: the caller guarantees `to`; `data` has the room that `copy` requires.
    unsafe {
        (&raw mut (*to).netns).write(sock.netns::<S>()?);
        (&raw mut (*to).portid).write(ends.portid);
        (&raw mut (*to).peer_portid).write(ends.peer_portid);
        (&raw mut (*to).group).write(skb.group::<B>()?);
        (&raw mut (*to).len).write(skb.len::<B>()?);
        let captured = skb.copy::<B>((&raw mut (*to).data).cast())?;
        (&raw mut (*to).captured).write(captured);
        (&raw mut (*to).rest).write(rest);
        let mark = if skb.group::<B>()? != 0 {
            skb.origin::<B>()?
        } else if ends.portid == 0 && captured != 0 {
            skb.end::<B>(captured + rest)?
        } else {
            Mark(0)
        };
        (&raw mut (*to).mark).write(mark.0);
    }
    Ok(())
}
