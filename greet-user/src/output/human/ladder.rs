// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exchange as a ladder: a rung for each stage, in the order in which it was passed.

use anstyle::Style;
use greet_common::Stage;

use super::{DIM, ERROR, TO_KERNEL, TO_USER, text::result_of};
use crate::{
    event::{Datagram, Head, Request, comm, escaped, passed},
    journey::{Exchange, MSG_PEEK, Passed},
};

/// One stage.
pub(super) struct Rung<'a> {
    pub time_ns: u64,
    pub stage: Stage,
    pub style: Style,
    /// The kernel's function, and what happened there.
    pub what: String,
    pub head: &'a Head,
    /// The message, where its crossing is told.
    pub datagram: Option<&'a Datagram>,
}

/// All stages of the exchange, in the order in which they were passed.
pub(super) fn rungs<'a>(exchange: &'a Exchange, callback: &str) -> Vec<Rung<'a>> {
    let mut rungs = Vec::new();
    if let Some(request) = &exchange.request {
        of_request(request, callback, &mut rungs);
    }
    for passed in &exchange.passed {
        of_passed(passed, &mut rungs);
    }
    rungs.sort_by_key(|rung| rung.time_ns);
    rungs
}

fn of_request<'a>(request: &'a Request, callback: &str, rungs: &mut Vec<Rung<'a>>) {
    let datagram = &request.datagram;
    let way = datagram.direction().words();
    let (result_style, result) = result_of(request.result);
    let asked = Some(datagram).filter(|datagram| datagram.len > 0);
    let all = [
        (
            Stage::Send,
            request.send_ns,
            DIM,
            function("netlink_sendmsg", "entered"),
            None,
        ),
        (
            Stage::Cross,
            request.cross_ns,
            TO_KERNEL,
            function("netlink_unicast", &format!("{way}, {} bytes", datagram.len)),
            asked,
        ),
        (
            Stage::Handle,
            request.handle_ns,
            TO_KERNEL,
            function(callback, "entered"),
            None,
        ),
        (
            Stage::Handled,
            request.handled_ns,
            DIM,
            function(callback, "left"),
            None,
        ),
        (
            Stage::Sent,
            request.sent_ns,
            result_style,
            function("netlink_sendmsg", &result),
            None,
        ),
    ];
    for (stage, time_ns, style, what, datagram) in all {
        if let Some(time_ns) = passed(time_ns) {
            rungs.push(Rung {
                time_ns,
                stage,
                style,
                what,
                head: &request.head,
                datagram,
            });
        }
    }
}

fn of_passed<'a>(found: &'a Passed, rungs: &mut Vec<Rung<'a>>) {
    let message = &found.message;
    let datagram = &message.datagram;
    let to = datagram.peer_portid;
    let (way, len) = (datagram.direction().words(), datagram.len);
    let mut push = |time_ns, stage, style, what, head, datagram| {
        if let Some(time_ns) = passed(time_ns) {
            rungs.push(Rung {
                time_ns,
                stage,
                style,
                what,
                head,
                datagram,
            });
        }
    };
    let handed = function("netlink_unicast", &format!("{way}, {len} bytes"));
    push(
        message.reply_ns,
        Stage::Reply,
        TO_USER,
        handed,
        &message.head,
        Some(datagram),
    );
    let queued = function("__netlink_sendskb", &format!("queued for port {to}"));
    // Where its handing over was not seen, this is where it is told.
    let told = (message.reply_ns == 0).then_some(datagram);
    push(
        message.queue_ns,
        Stage::Queue,
        TO_USER,
        queued,
        &message.head,
        told,
    );
    let Some(read) = &found.delivery else {
        return;
    };
    let taken = if read.flags & MSG_PEEK == 0 {
        "taken from the queue"
    } else {
        "looked at"
    };
    push(
        read.receive_ns,
        Stage::Receive,
        TO_USER,
        function("skb_recv_datagram", taken),
        &read.head,
        None,
    );
    let (style, result) = result_of(read.result);
    push(
        read.delivered_ns,
        Stage::Delivered,
        if style == ERROR { ERROR } else { TO_USER },
        function("netlink_recvmsg", &result),
        &read.head,
        None,
    );
}

fn function(name: &str, what: &str) -> String {
    format!("{name:<20} {what}")
}

/// `greet-user[71]`, or `greet-user[71/72]` for a thread that is not the process's first.
pub(super) fn process(head: &Head) -> String {
    let (pid, tid) = (head.pid, head.tid);
    let comm = escaped(comm(head));
    if pid == tid {
        format!("{comm}[{pid}]")
    } else {
        format!("{comm}[{pid}/{tid}]")
    }
}
