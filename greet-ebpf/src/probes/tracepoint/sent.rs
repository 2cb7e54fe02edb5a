// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Stage `sent`: the client's `sendmsg()` returns. By then the request's bytes are no longer
//! available, and its receiver is known only if it was in another process's queue.
#![expect(
    unsafe_code,
    reason = "the call's slot is reached through a raw pointer"
)]

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use greet_common::{
    call::{Call, CallState},
    event::RecordKind,
};

use super::begin;
use crate::{
    call,
    emit::emit_request,
    filter::{wanted_netns, wanted_port, wanted_protocol, wanted_task},
    probes::{receive::AF_NETLINK, report_fault},
    read::{Direct, Fault, Sock},
    record,
    task::Task,
};

/// proto: include/trace/events/sock.h: void sock_send_length(struct sock *sk, int ret, int flags)
#[btf_tracepoint(function = "sock_send_length")]
fn sent_tp(ctx: BtfTracePointContext) -> i32 {
    report_fault!(&ctx, try_sent_tp(Sock(ctx.arg(0)), ctx.arg(1)));
    0
}

#[inline(always)]
fn try_sent_tp(sock: Sock, result: i32) -> Result<(), Fault> {
    if sock.family::<Direct>()? != AF_NETLINK {
        return Ok(());
    }
    let task = Task::current()?;
    let call = call::current_if(task.tid, CallState::Sending);
    match (is_wanted(&task, sock), call) {
        (Ok(true), call) => end(&task, sock, call, result),
        (unwanted, Some(call)) => {
            // The call ends, though it is not traced.
            call::leave(call);
            unwanted.map(|_| ())
        }
        (unwanted, None) => unwanted.map(|_| ()),
    }
}

#[inline(always)]
fn is_wanted(task: &Task, sock: Sock) -> Result<bool, Fault> {
    Ok(wanted_protocol(sock.protocol::<Direct>()?)
        && wanted_task(task)?
        && wanted_netns::<Direct>(sock)?)
}

#[inline(always)]
fn end(task: &Task, sock: Sock, call: Option<*mut Call>, result: i32) -> Result<(), Fault> {
    let sent_ns = record::now();
    let protocol = sock.protocol::<Direct>()?;
    let (netns, portid) = (sock.netns::<Direct>()?, sock.portid()?);
    // A call in which nothing was seen starts only now.
    let Some(call) = call.or_else(|| begin(task)) else {
        return Ok(());
    };
    // SAFETY: the slot is this task's, and every field of it is overwritten.
    let told = unsafe {
        let request = &raw mut (*call).request;
        // Volatile, lest the compiler turn these into a loop over single bytes.
        (&raw mut (*request).send_ns).write_volatile(0);
        (&raw mut (*request).cross_ns).write_volatile(0);
        (&raw mut (*request).handle_ns).write_volatile(0);
        (&raw mut (*request).handled_ns).write_volatile(0);
        (*request).sent_ns = sent_ns;
        (*request).result = result;
        (*request).unqueued = 0;
        let datagram = &raw mut (*request).datagram;
        (*datagram).netns = netns;
        (*datagram).portid = portid;
        (*datagram).group = 0;
        (*datagram).len = result.max(0) as u32;
        (*datagram).captured = 0;
        (*datagram).rest = 0;
        (*datagram).mark = 0;
        let head = record::head(
            &raw mut (*request).head,
            RecordKind::Request,
            protocol,
            task,
            sock,
        );
        if head.is_ok() && wanted_port(portid, (*datagram).peer_portid) {
            emit_request(request);
        }
        head
    };
    call::leave(call);
    told
}
