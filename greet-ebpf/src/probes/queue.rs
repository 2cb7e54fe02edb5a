// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `queue`: a message is put into a user socket's receive queue. Unicast, chunks
//! of a dump and multicast (once for each receiver) all pass here.
#![expect(
    unsafe_code,
    reason = "records and slots are reached through raw pointers"
)]

use aya_ebpf::{
    macros::{fentry, kprobe},
    programs::{FEntryContext, ProbeContext},
};
use greet_common::event::{Message, RecordKind};

use super::{argument, report_fault};
use crate::{
    call,
    continuation::RestKey,
    emit::emit,
    filter::{wanted_netns, wanted_port, wanted_protocol, wanted_task},
    read::{Direct, Fault, Memory, Probed, Skb, Sock},
    record::{self, Ends},
    round_trip,
    task::Task,
};

/// proto: net/netlink/af_netlink.c: int __netlink_sendskb(struct sock *sk, struct sk_buff *skb)
#[fentry(function = "__netlink_sendskb")]
fn queue(ctx: FEntryContext) -> i32 {
    report_fault!(&ctx, put::<Direct>(Sock(ctx.arg(0)), Skb(ctx.arg(1))));
    0
}

/// The same if the kernel has no fentry, or if its programs may be skipped.
#[kprobe]
fn queue_kprobe(ctx: ProbeContext) -> u32 {
    let (sock, skb) = (Sock(argument!(ctx, 0)), Skb(argument!(ctx, 1)));
    report_fault!(&ctx, put::<Probed>(sock, skb));
    0
}

#[inline(always)]
fn put<M: Memory>(sock: Sock, skb: Skb) -> Result<(), Fault> {
    let protocol = sock.protocol::<M>()?;
    if !wanted_protocol(protocol) {
        return Ok(());
    }
    let task = Task::current()?;
    let call = call::current(task.tid);
    let (mut number, mut reply_ns, mut peer_portid) = (0, 0, 0);
    if let Some(call) = call {
        // SAFETY: the slot is this task's.
        unsafe {
            number = (*call).request.head.call;
            if (*call).reply_skb == skb.0 as u64 {
                reply_ns = (*call).reply_ns;
                peer_portid = (*call).reply_portid;
                (*call).request.unqueued -= 1;
            }
        }
    } else if !wanted_task(&task)? || !wanted_netns::<M>(sock)? {
        return Ok(());
    }
    if peer_portid == 0 {
        peer_portid = sock.portid()?;
    }
    let ends = Ends {
        portid: skb.portid::<M>()?,
        peer_portid,
    };
    if !wanted_port(ends.portid, ends.peer_portid) {
        return Ok(());
    }
    if let Some(call) = call
        && round_trip::defer::<M>(call, sock, skb)?
    {
        return Ok(());
    }
    let key = RestKey {
        sock: sock.0 as u64,
        id: skb.0 as u64,
    };
    let rest = skb.rest::<M>(key)?;
    emit::<Message>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written.
        unsafe {
            record::head(
                &raw mut (*to).head,
                RecordKind::Message,
                protocol,
                &task,
                sock,
            )?;
            (&raw mut (*to).head.call).write(number);
            (&raw mut (*to).skb).write(skb.0 as u64);
            (&raw mut (*to).reply_ns).write(reply_ns);
            record::datagram::<M, M>(&raw mut (*to).datagram, sock, skb, ends, rest)?;
            (&raw mut (*to).queue_ns).write(record::now());
        }
        Ok(())
    })
}
