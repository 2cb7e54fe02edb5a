// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exchange's rungs: one for each stage that was passed, and for what else happened.

use anstyle::Style;
use greet_common::{Stage, event::Extack};

use super::{
    look::{BOLD, DIM, ERROR, Look, PLAIN, TO_KERNEL, TO_USER},
    text::{error_name, error_text, process},
};
use crate::{
    event::{Datagram, Direction, Head, Loss, Request, passed},
    journey::{Exchange, Passed},
    output::json::extack_text,
};

/// What is drawn between the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrow {
    /// A system call begins.
    Call,
    /// It ends.
    Return,
    /// A message goes into the kernel.
    ToKernel,
    /// A message comes out of it.
    ToUser,
    /// A message goes into the receive queue of this port.
    IntoQueue(u32),
    /// It is taken out of there.
    OutOfQueue(u32),
    /// It does not get there.
    Lost(u32),
    /// Nothing crosses: it happens in the kernel.
    None,
}

/// One stage, or something else that happened.
pub(super) struct Rung<'a> {
    pub time_ns: u64,
    pub stage: &'static str,
    pub function: &'a str,
    pub arrow: Arrow,
    pub style: Style,
    /// What stands on the arrow.
    pub label: String,
    /// The message, where it is met first.
    pub message: Option<&'a Datagram>,
    /// What stands beneath.
    pub notes: Vec<(Style, String)>,
    /// Of which of the exchange's messages it tells.
    pub answer: Option<usize>,
}

impl<'a> Rung<'a> {
    const fn new(stage: Stage, time_ns: u64, function: &'a str, arrow: Arrow) -> Self {
        Self {
            time_ns,
            stage: stage.name(),
            function,
            arrow,
            style: PLAIN,
            label: String::new(),
            message: None,
            notes: Vec::new(),
            answer: None,
        }
    }
}

/// All of them, in the order in which they happened. `owner` is the thread to which the
/// user's lane belongs.
pub(super) fn rungs<'a>(
    exchange: &'a Exchange,
    callback: &'a str,
    owner: Option<&Head>,
    look: &Look,
) -> Vec<Rung<'a>> {
    let mut rungs = Vec::new();
    if let Some(request) = &exchange.request {
        of_request(request, callback, &mut rungs);
    }
    for (number, found) in exchange.passed.iter().enumerate() {
        let first = rungs.len();
        of_passed(found, &mut rungs);
        for rung in &mut rungs[first..] {
            rung.answer = Some(number);
        }
        notes_of(found, owner, look, &mut rungs[first..]);
    }
    rungs.extend(exchange.losses.iter().map(of_loss));
    rungs.extend(
        exchange
            .extacks
            .iter()
            .map(|extack| of_extack(extack, look)),
    );
    rungs.retain(|rung| passed(rung.time_ns).is_some());
    rungs.sort_by_key(|rung| rung.time_ns);
    rungs
}

fn of_request<'a>(request: &'a Request, callback: &'a str, rungs: &mut Vec<Rung<'a>>) {
    let datagram = &request.datagram;
    let label = match datagram.direction() {
        Direction::UserToUser => format!("{} bytes to port {}", datagram.len, datagram.peer_portid),
        _ => format!("{} bytes", datagram.len),
    };
    rungs.push(Rung {
        style: DIM,
        label: "sendmsg()".to_owned(),
        ..Rung::new(Stage::Send, request.send_ns, "netlink_sendmsg", Arrow::Call)
    });
    rungs.push(Rung {
        style: TO_KERNEL,
        label,
        message: Some(datagram).filter(|datagram| datagram.len > 0),
        ..Rung::new(
            Stage::Cross,
            request.cross_ns,
            "netlink_unicast",
            Arrow::ToKernel,
        )
    });
    for (stage, time_ns) in [
        (Stage::Handle, request.handle_ns),
        (Stage::Handled, request.handled_ns),
    ] {
        rungs.push(Rung {
            style: TO_KERNEL,
            ..Rung::new(stage, time_ns, callback, Arrow::None)
        });
    }
    let (style, label, notes) = result(request.result, DIM, "returns");
    rungs.push(Rung {
        style,
        label,
        notes,
        ..Rung::new(
            Stage::Sent,
            request.sent_ns,
            "netlink_sendmsg",
            Arrow::Return,
        )
    });
}

fn of_passed<'a>(found: &'a Passed, rungs: &mut Vec<Rung<'a>>) {
    let message = &found.message;
    let datagram = &message.datagram;
    let (to, bytes) = (datagram.peer_portid, format!("{} bytes", datagram.len));
    // A message between processes was shown when it was sent.
    let is_handed = message.reply_ns != 0 && datagram.portid == 0;
    if is_handed {
        rungs.push(Rung {
            style: TO_USER,
            label: bytes.clone(),
            message: Some(datagram),
            ..Rung::new(
                Stage::Reply,
                message.reply_ns,
                "netlink_unicast",
                Arrow::None,
            )
        });
    }
    rungs.push(Rung {
        style: TO_USER,
        label: if is_handed {
            String::new()
        } else {
            bytes.clone()
        },
        message: (!is_handed && datagram.portid == 0 || datagram.group != 0).then_some(datagram),
        ..Rung::new(
            Stage::Queue,
            message.queue_ns,
            "__netlink_sendskb",
            Arrow::IntoQueue(to),
        )
    });
    let Some(read) = &found.delivery else {
        return;
    };
    rungs.push(Rung {
        style: DIM,
        label: "recvmsg()".to_owned(),
        // One that was queued unseen is met here.
        message: (message.queue_ns == 0 && message.reply_ns == 0).then_some(datagram),
        ..Rung::new(
            Stage::Receive,
            read.receive_ns,
            "skb_recv_datagram",
            Arrow::OutOfQueue(to),
        )
    });
    let (style, label, notes) = result(read.result, TO_USER, "");
    rungs.push(Rung {
        style,
        label: if read.result < 0 {
            label
        } else {
            format!("{} bytes", read.result)
        },
        notes,
        ..Rung::new(
            Stage::Delivered,
            read.delivered_ns,
            "netlink_recvmsg",
            Arrow::ToUser,
        )
    });
}

/// Who read the message where it was not the lane's owner; why nobody did.
fn notes_of(found: &Passed, owner: Option<&Head>, look: &Look, rungs: &mut [Rung<'_>]) {
    if let Some(first) = rungs.first_mut() {
        peeks_note(found, first);
    }
    let Some(last) = rungs.last_mut() else {
        return;
    };
    match &found.delivery {
        Some(read) if owner.map(|owner| owner.tid) != Some(read.head.tid) => {
            let who = process(&read.head, usize::MAX, look);
            last.notes.push((BOLD, format!("read by {who}")));
        }
        Some(_) => {}
        None if found.gone => {
            let why = "left the queue unread, with its socket";
            last.notes.push((ERROR, why.to_owned()));
        }
        None => last
            .notes
            .push((ERROR, "nobody was seen to read it".to_owned())),
    }
}

fn peeks_note(found: &Passed, rung: &mut Rung<'_>) {
    let peeks = found.peeks;
    if peeks > 0 {
        let times = match peeks {
            1 => "once".to_owned(),
            peeks => format!("{peeks} times"),
        };
        let note = format!("looked at {times} before it was taken (MSG_PEEK)");
        rung.notes.push((PLAIN, note));
    }
}

/// What a system call returned.
fn result(result: i32, style: Style, verb: &str) -> (Style, String, Vec<(Style, String)>) {
    if result >= 0 {
        return (
            style,
            format!("{verb} {result}").trim().to_owned(),
            Vec::new(),
        );
    }
    let label = format!("{verb} {result} {}", error_name(result));
    (
        ERROR,
        label.trim().to_owned(),
        vec![(ERROR, error_text(result))],
    )
}

fn of_loss(loss: &Loss) -> Rung<'_> {
    let (stage, function) = if loss.overrun == 0 {
        ("failed", "netlink_unicast")
    } else {
        ("overrun", "netlink_overrun")
    };
    let (name, words) = (error_name(loss.result), error_text(loss.result));
    let what = if loss.overrun == 0 {
        "not handed over"
    } else {
        "the queue is full"
    };
    Rung {
        stage,
        style: ERROR,
        notes: vec![(ERROR, format!("{what}: {name} ({words})"))],
        ..Rung::new(
            Stage::Queue,
            loss.time_ns,
            function,
            Arrow::Lost(loss.portid),
        )
    }
}

fn of_extack<'a>(extack: &'a Extack, look: &Look) -> Rung<'a> {
    let text = look.shown(extack_text(extack));
    Rung {
        stage: "extack",
        style: ERROR,
        notes: vec![(ERROR, format!("the kernel says: {text}"))],
        ..Rung::new(Stage::Handle, extack.time_ns, "netlink_extack", Arrow::None)
    }
}
