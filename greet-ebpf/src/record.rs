// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Fills the records, in place and field by field.
#![expect(
    unsafe_code,
    reason = "a record is written through a pointer to memory without a value"
)]

use core::mem::MaybeUninit;

use aya_ebpf::helpers::generated::{bpf_get_current_comm, bpf_ktime_get_ns};
use greet_common::{
    Stage,
    event::{CAPTURE, COMM_SIZE, Entry, Return, Stamp},
};

use crate::{
    filter::Task,
    read::{Fault, Memory, Skb, Sock},
};

/// The time now: CLOCK_MONOTONIC, ns.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: the helper takes nothing and only returns a number.
    unsafe { bpf_ktime_get_ns() }
}

/// Fills the record of a function that was entered with a message.
///
/// # Errors
/// [`Fault`] where the message could not be read.
#[inline(always)]
pub fn entry<M: Memory>(
    slot: &mut MaybeUninit<Entry>,
    stamp: Stamp,
    sock: Sock,
    skb: Skb,
    peer_portid: u32,
) -> Result<(), Fault> {
    let to = slot.as_mut_ptr();
    // SAFETY: `to` is valid for writes and aligned; each field is written without reading
    // what was there, and `data` has the room that `copy` is told of.
    unsafe {
        (&raw mut (*to).stamp).write(stamp);
        (&raw mut (*to).netns).write(sock.netns::<M>()?);
        (&raw mut (*to).portid).write(skb.portid::<M>()?);
        (&raw mut (*to).peer_portid).write(peer_portid);
        (&raw mut (*to).len).write(skb.len::<M>()?);
        (&raw mut (*to).padding).write(0);
        match bpf_get_current_comm((&raw mut (*to).comm).cast(), COMM_SIZE as u32) {
            0 => {}
            errno => return Err(Fault(errno)),
        }
        let captured = skb.copy::<M, CAPTURE>((&raw mut (*to).data).cast())?;
        (&raw mut (*to).captured).write(captured);
    }
    Ok(())
}

/// Fills the record of a function that was left.
#[inline(always)]
pub fn left(slot: &mut MaybeUninit<Return>, stamp: Stamp, result: i32) {
    slot.write(Return {
        stamp,
        result,
        padding: 0,
    });
}

/// The start of a record.
#[inline(always)]
pub fn stamp(time_ns: u64, stage: Stage, task: Task, protocol: u32, skb: Skb) -> Stamp {
    Stamp {
        time_ns,
        skb: skb.0 as u64,
        stage: stage.number(),
        pid: task.pid,
        tid: task.tid,
        protocol,
    }
}
