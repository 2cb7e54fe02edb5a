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
        rungs.extend(of_request(request, callback));
    }
    for (number, found) in exchange.passed.iter().enumerate() {
        let mut answers = of_passed(found);
        for rung in &mut answers {
            rung.answer = Some(number);
        }
        notes_of(found, owner, look, &mut answers);
        rungs.extend(answers);
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

fn of_request<'a>(request: &'a Request, callback: &'a str) -> Vec<Rung<'a>> {
    let datagram = &request.datagram;
    let label = match datagram.direction() {
        Direction::UserToUser => {
            format!("{} bytes to port {}", datagram.len, datagram.peer_portid)
        }
        _ => format!("{} bytes", datagram.len),
    };
    let (result_style, result, notes) = result(request.result, DIM, "returns");
    let send = "netlink_sendmsg";
    let rungs = vec![
        Rung {
            style: DIM,
            label: "sendmsg()".to_owned(),
            ..Rung::new(Stage::Send, request.send_ns, send, Arrow::Call)
        },
        Rung {
            style: TO_KERNEL,
            label,
            ..Rung::new(
                Stage::Cross,
                request.cross_ns,
                "netlink_unicast",
                Arrow::ToKernel,
            )
        },
        Rung {
            style: TO_KERNEL,
            ..Rung::new(Stage::Handle, request.handle_ns, callback, Arrow::None)
        },
        Rung {
            style: TO_KERNEL,
            ..Rung::new(Stage::Handled, request.handled_ns, callback, Arrow::None)
        },
        Rung {
            style: result_style,
            label: result,
            notes,
            ..Rung::new(Stage::Sent, request.sent_ns, send, Arrow::Return)
        },
    ];
    let mut rungs = only_passed(rungs);
    // Where it crosses; where that is not watched, at the first that is.
    let at = rungs
        .iter()
        .position(|rung| rung.time_ns == request.cross_ns);
    if let Some(rung) = rungs.get_mut(at.unwrap_or(0)) {
        rung.message = Some(datagram).filter(|datagram| datagram.len > 0);
    }
    rungs
}

fn of_passed(found: &Passed) -> Vec<Rung<'_>> {
    let message = &found.message;
    let datagram = &message.datagram;
    let (to, bytes) = (datagram.peer_portid, format!("{} bytes", datagram.len));
    let mut rungs = Vec::new();
    // A message between processes is handed over once, where it was sent.
    let is_handed = message.reply_ns != 0 && datagram.portid == 0;
    if is_handed {
        rungs.push(Rung {
            style: TO_USER,
            label: bytes.clone(),
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
        label: if is_handed { String::new() } else { bytes },
        ..Rung::new(
            Stage::Queue,
            message.queue_ns,
            "__netlink_sendskb",
            Arrow::IntoQueue(to),
        )
    });
    if let Some(read) = &found.delivery {
        rungs.push(Rung {
            style: DIM,
            ..Rung::new(
                Stage::Receive,
                read.receive_ns,
                "skb_recv_datagram",
                Arrow::OutOfQueue(to),
            )
        });
        let (style, label, notes) = result(read.result, TO_USER, "");
        let bytes = format!("{} bytes", read.result);
        rungs.push(Rung {
            style,
            label: if read.result < 0 { label } else { bytes },
            notes,
            ..Rung::new(
                Stage::Delivered,
                read.delivered_ns,
                "netlink_recvmsg",
                Arrow::ToUser,
            )
        });
    }
    let mut rungs = only_passed(rungs);
    // What one process sent to another was shown when it was sent.
    let is_new = datagram.portid == 0 || datagram.group != 0;
    if let (true, Some(first)) = (is_new, rungs.first_mut()) {
        first.message = Some(datagram);
    }
    rungs
}

fn only_passed(mut rungs: Vec<Rung<'_>>) -> Vec<Rung<'_>> {
    rungs.retain(|rung| passed(rung.time_ns).is_some());
    rungs
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
