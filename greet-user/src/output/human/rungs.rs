// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rungs of an exchange: one for each stage reached, and for whatever else happened.

use anstyle::Style;
use greet_common::{Stage, event::Extack};
use greet_trace::{
    describe::{extack_text, marks},
    event::{Datagram, Direction, Head, Loss, Request, reached},
    journey::{Exchange, Pairing, Queued},
};

use super::{
    render::{BOLD, DIM, ERROR, PLAIN, RenderOptions, TO_KERNEL, TO_USER},
    text::{bytes, counted, duration, error_name, error_text, owner, process},
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
    /// It leaves that queue.
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
    /// The label on the arrow.
    pub label: String,
    /// The message, on its first rung.
    pub message: Option<&'a Datagram>,
    /// Notes beneath the rung.
    pub notes: Vec<(Style, String)>,
    /// The exchange's message that it belongs to.
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

/// All rungs, in order of time. `owner` is the thread that the user's lane belongs to.
pub(super) fn rungs<'a>(
    exchange: &'a Exchange,
    callback: &'a str,
    owner: Option<&Head>,
    render: &RenderOptions,
) -> Vec<Rung<'a>> {
    let mut rungs = Vec::new();
    if let Some(request) = &exchange.request {
        rungs.extend(of_request(request, callback));
    }
    for (number, found) in exchange.queued.iter().enumerate() {
        let mut answers = of_passed(found);
        for rung in &mut answers {
            rung.answer = Some(number);
        }
        notes_of(found, owner, render, &mut answers);
        rungs.extend(answers);
    }
    rungs.extend(of_losses(exchange, render));
    let pairing = Pairing::of(exchange);
    let extacks = exchange.extacks.iter().zip(pairing.seqs_of_reasons());
    rungs.extend(extacks.map(|(extack, seq)| {
        let seq = seq.filter(|_| pairing.are_several());
        of_extack(extack, seq, render)
    }));
    rungs.retain(|rung| reached(rung.time_ns).is_some());
    rungs.sort_by_key(|rung| rung.time_ns);
    rungs
}

fn of_request<'a>(request: &'a Request, callback: &'a str) -> Vec<Rung<'a>> {
    let datagram = &request.datagram;
    let len = request.length();
    let label = match (len.map(bytes), request.direction()) {
        (Some(len), Direction::UserToUser) => format!("{len} to port {}", datagram.peer_portid),
        (Some(len), _) => len,
        (None, _) => String::new(),
    };
    // If it did not cross, its length and its receiver go here.
    let call = match (request.cross_ns, label.as_str()) {
        (1.., _) | (0, "") => "sendmsg()".to_owned(),
        (0, label) => format!("sendmsg() {label}"),
    };
    let (result_style, result, notes) = result(request.result, DIM, "returns");
    let send = "netlink_sendmsg";
    let rungs = vec![
        Rung {
            style: DIM,
            label: call,
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
    // At the crossing or, if that is not hooked, at the first stage that is.
    let at = rungs
        .iter()
        .position(|rung| rung.time_ns == request.cross_ns);
    if let Some(rung) = rungs.get_mut(at.unwrap_or(0)) {
        let is_seen = request.cross_ns != 0 || request.send_ns == 0;
        rung.message = Some(datagram).filter(|datagram| is_seen && datagram.len > 0);
    }
    rungs
}

fn of_passed(found: &Queued) -> Vec<Rung<'_>> {
    let message = &found.message;
    let datagram = &message.datagram;
    let (to, bytes) = (datagram.peer_portid, bytes(datagram.len));
    let mut rungs = Vec::new();
    // A message between processes crosses once, when it is sent.
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
        label: if is_handed {
            String::new()
        } else {
            bytes.clone()
        },
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
        let (style, label) = match found.copied() {
            _ if read.result < 0 => (style, label),
            Some(copied) if copied < datagram.len => (ERROR, format!("{copied} of {bytes}")),
            _ => (style, received(read.result)),
        };
        rungs.push(Rung {
            style,
            label,
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
    // A message between processes was shown when it was sent.
    let is_new = datagram.portid == 0 || datagram.group != 0;
    if let (true, Some(first)) = (is_new, rungs.first_mut()) {
        first.message = Some(datagram);
    }
    rungs
}

fn only_passed(mut rungs: Vec<Rung<'_>>) -> Vec<Rung<'_>> {
    rungs.retain(|rung| reached(rung.time_ns).is_some());
    rungs
}

/// Names the reader if it is not the lane's owner; says why there is none.
fn notes_of(found: &Queued, owner: Option<&Head>, render: &RenderOptions, rungs: &mut [Rung<'_>]) {
    if let Some(first) = rungs.first_mut() {
        peeks_note(found, first);
    }
    if let (true, Some(first)) = (found.is_interrupted(), rungs.first_mut()) {
        first.notes.push((ERROR, marks::INTERRUPTED.to_owned()));
    }
    let Some(last) = rungs.last_mut() else {
        return;
    };
    if found.is_truncated() {
        let why = "truncated: the reader's buffer was too small; the rest is discarded";
        last.notes.push((ERROR, why.to_owned()));
    }
    match &found.delivery {
        Some(read) if owner.map(|owner| owner.tid) != Some(read.head.tid) => {
            let who = process(&read.head, usize::MAX, render);
            last.notes.push((BOLD, format!("read by {who}")));
        }
        Some(_) => {}
        None if found.gone => {
            let mut why = "unread: its socket was closed".to_owned();
            if let Some(time_ns) = reached(found.closed_ns) {
                let waited_ns = time_ns.saturating_sub(found.message.queue_ns);
                let waited = duration(waited_ns, render);
                why = format!("unread: its socket was closed {waited} later");
            }
            last.notes.push((ERROR, why));
        }
        None => last.notes.push((ERROR, "no reader was seen".to_owned())),
    }
}

fn peeks_note(found: &Queued, rung: &mut Rung<'_>) {
    let peeks = found.peeks;
    if peeks > 0 {
        let times = match peeks {
            1 => "once".to_owned(),
            peeks => format!("{peeks} times"),
        };
        let note = format!("peeked at {times} before it was read (MSG_PEEK)");
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

/// Losses drawn if there are too many to draw all.
const LOSSES: usize = 3;

/// The first losses; the last of them says how many more there are.
fn of_losses<'a>(exchange: &'a Exchange, render: &RenderOptions) -> Vec<Rung<'a>> {
    let losses = &exchange.losses;
    let drawn = if render.verbose || losses.len() <= LOSSES + 1 {
        losses.len()
    } else {
        LOSSES
    };
    let owner = exchange.request.as_ref().map(|request| request.head.pid);
    let mut rungs: Vec<_> = losses[..drawn]
        .iter()
        .map(|loss| of_loss(loss, owner, render))
        .collect();
    let more = losses.len() - drawn;
    if let (Some(last), true) = (rungs.last_mut(), more > 0) {
        let more = counted(more as u64, "more loss", "more losses");
        let text = format!("{} {more}", render.glyphs().more);
        last.notes.push((ERROR, text));
    }
    rungs
}

/// `pid`: the process that owns the lane.
fn of_loss<'a>(loss: &'a Loss, pid: Option<u32>, render: &RenderOptions) -> Rung<'a> {
    let (stage, function) = if loss.overrun == 0 {
        ("failed", "netlink_unicast")
    } else {
        ("overrun", "netlink_overrun")
    };
    let (name, words) = (error_name(loss.result), error_text(loss.result));
    let what = if loss.overrun == 0 {
        "could not be delivered"
    } else {
        "the queue is full"
    };
    let mut notes = vec![(ERROR, format!("{what}: {name} ({words})"))];
    let other = loss.owner.filter(|owner| Some(owner.pid) != pid);
    if let Some(other) = other {
        let who = owner(&other, render);
        notes.push((ERROR, format!("port {} belongs to {who}", loss.portid)));
    }
    Rung {
        stage,
        style: ERROR,
        notes,
        ..Rung::new(
            Stage::Queue,
            loss.time_ns,
            function,
            Arrow::Lost(loss.portid),
        )
    }
}

/// The bytes that `recvmsg()` returned.
fn received(result: i32) -> String {
    bytes(u32::try_from(result).unwrap_or(0))
}

/// `seq` names the request it is about, if there are several.
fn of_extack<'a>(extack: &'a Extack, seq: Option<u32>, render: &RenderOptions) -> Rung<'a> {
    let text = render.shown(extack_text(extack));
    let to = seq.map_or_else(String::new, |seq| format!(" to seq {seq}"));
    Rung {
        stage: "extack",
        style: ERROR,
        notes: vec![(ERROR, format!("extended ACK{to}: {text}"))],
        ..Rung::new(Stage::Handle, extack.time_ns, "netlink_extack", Arrow::None)
    }
}
