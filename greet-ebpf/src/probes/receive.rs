// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `receive`: the reader took a message out of the queue. A reading call begins.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{macros::fexit, programs::FExitContext};
use greet_common::event::{Kind, Message};

use super::tell;
use crate::{
    call,
    emit::{count_drop, emit},
    filter::{by_port, by_task, wanted_netns, wanted_port, wanted_protocol, wanted_task},
    read::{Direct, Fault, Probed, Skb, Sock},
    record::{self, Ends},
    task::Task,
};

/// `AF_NETLINK`.
const AF_NETLINK: u16 = 16;

/// `netlink_recvmsg` calls it, but so do other families' `recvmsg`.
///
/// proto: net/core/datagram.c: struct sk_buff *skb_recv_datagram(struct sock *sk, unsigned int flags, int *err)
#[fexit(function = "skb_recv_datagram")]
fn receive(ctx: FExitContext) -> i32 {
    tell!(&ctx, try_receive(&ctx));
    0
}

#[inline(always)]
fn try_receive(ctx: &FExitContext) -> Result<(), Fault> {
    let sock = Sock(ctx.arg(0));
    if sock.family::<Direct>()? != AF_NETLINK || !wanted_protocol(sock.protocol::<Direct>()?) {
        return Ok(());
    }
    // Behind the three arguments lies what the function returned.
    let skb: u64 = ctx.arg(3);
    if skb == 0 || !wanted_netns(sock)? {
        return Ok(());
    }
    let task = Task::current()?;
    if !wanted_task(&task)? {
        return Ok(());
    }
    if by_port() && !wanted_port(Skb(skb as *const u8).portid::<Probed>()?, sock.portid()?) {
        return Ok(());
    }
    let Some(call) = call::enter(&task) else {
        count_drop();
        return Ok(());
    };
    // SAFETY: the slot is this task's.
    unsafe {
        (*call).receive_skb = skb;
        (*call).receive_ns = record::now();
        if by_task() {
            tell_message(
                sock,
                Skb(skb as *const u8),
                &task,
                (*call).request.head.call,
            )?;
        }
    }
    Ok(())
}

/// Another task may have queued the message, unseen: then this is where it is first met.
/// User space knows whether it has seen it before.
#[inline(always)]
fn tell_message(sock: Sock, skb: Skb, task: &Task, call: u64) -> Result<(), Fault> {
    let ends = Ends {
        portid: skb.portid::<Probed>()?,
        peer_portid: sock.portid()?,
    };
    emit::<Message>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written.
        unsafe {
            let protocol = sock.protocol::<Direct>()?;
            record::head(&raw mut (*to).head, Kind::Message, protocol, task, sock)?;
            (&raw mut (*to).head.call).write(call);
            (&raw mut (*to).skb).write(skb.0 as u64);
            (&raw mut (*to).reply_ns).write(0);
            (&raw mut (*to).queue_ns).write(0);
            record::datagram::<Probed>(&raw mut (*to).datagram, sock, skb, ends)
        }
    })
}
