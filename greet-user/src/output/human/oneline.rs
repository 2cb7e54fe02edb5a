// SPDX-License-Identifier: MIT OR Apache-2.0
//! One line per message, in fixed columns: for floods, and for grep.

use anstyle::Style;
use greet_common::wire::Header;
use greet_trace::{
    describe::{extack_text, marks},
    event::{Datagram, Direction, Extack, Loss, type_name},
    journey::{Exchange, Pairing, Queued, Status},
};

use super::{
    line::{Line, cut},
    render::{BOLD, DIM, ERROR, PLAIN, RenderOptions, TO_KERNEL, TO_USER},
    text::{clock, error_name, flags, owner, process, protocol, short},
};

/// From this width on, flags have names and processes have room.
const WIDE: usize = 110;

/// Where the columns start; numbers are right-aligned.
struct Columns {
    protocol: usize,
    process: usize,
    kind: usize,
    flags: usize,
    seq: usize,
    len: usize,
    result: usize,
}

const NARROW_COLUMNS: Columns = columns(5, 17, 9, 5);
const WIDE_COLUMNS: Columns = columns(14, 25, 14, 20);

const fn columns(protocol: usize, process: usize, name: usize, flags: usize) -> Columns {
    let start = 15 + protocol;
    let kind = start + process;
    let behind = kind + name + flags;
    Columns {
        protocol: 15,
        process: start,
        kind,
        flags: kind + name,
        seq: behind + 1,
        len: behind + 12,
        result: behind + 18,
    }
}

const fn of(render: &RenderOptions) -> &'static Columns {
    if render.width < WIDE {
        &NARROW_COLUMNS
    } else {
        &WIDE_COLUMNS
    }
}

/// The column titles.
pub(super) fn titles(render: &RenderOptions, out: &mut String) {
    let columns = of(render);
    let mut line = Line::new(render);
    line.right(DIM, "seconds", 11).to(columns.protocol);
    line.push(
        DIM,
        if render.width < WIDE {
            "no"
        } else {
            "protocol"
        },
    )
    .to(columns.process);
    line.push(DIM, "process").to(columns.kind);
    line.push(DIM, "type").to(columns.flags).push(DIM, "flags");
    line.right(DIM, "seq", columns.seq + 10);
    line.right(DIM, "len", columns.len + 5).to(columns.result);
    line.push(DIM, &format!("result, {}", render.glyphs().us))
        .end(out);
}

/// The messages of an exchange, in order, and the losses on its behalf.
pub(super) fn exchange(exchange: &Exchange, render: &RenderOptions, out: &mut String) {
    let stages = exchange.stages();
    let start_ns = stages.first().map_or(0, |(_, time_ns)| *time_ns);
    let status = exchange.status();
    if let Some(request) = &exchange.request {
        let took = request.sent_ns.saturating_sub(request.send_ns);
        let (style, text) = match status {
            Status::Failed => {
                let text = exchange.remark().map(str::to_owned);
                (ERROR, text.unwrap_or_else(|| error_name(request.result)))
            }
            Status::Lost => (ERROR, "lost".to_owned()),
            Status::Truncated => (ERROR, "truncated".to_owned()),
            Status::Died => (ERROR, exchange.remark().unwrap_or_default().to_owned()),
            Status::Unfinished => (BOLD, status.name().to_owned()),
            // Its start was not seen.
            _ if request.send_ns == 0 => (PLAIN, String::new()),
            _ if exchange.queued.is_empty() => (PLAIN, short(took)),
            _ => (PLAIN, String::new()),
        };
        let time_ns = request.seen().time_ns;
        let who = process(&request.head, room(render), render);
        let datagram = &request.datagram;
        let crossing = (datagram, request.direction(), request.length());
        let mut line = message(time_ns, &who, crossing, render);
        let marks = marks::brief(exchange);
        let gap = if text.is_empty() || marks.is_empty() {
            ""
        } else {
            " "
        };
        line.push(style, &text).push(PLAIN, gap);
        line.push(ERROR, &marks.join(" "));
        if exchange.queued.is_empty() {
            reasons(&exchange.extacks, render, &mut line);
        }
        line.end(out);
        further_requests(&request.datagram, render, out);
    }
    let pairing = Pairing::of(exchange);
    for (at, queued) in exchange.queued.iter().enumerate() {
        let reasons: Vec<_> = pairing.reasons_of(at).copied().collect();
        answer(exchange, queued, &reasons, start_ns, render, out);
    }
    if !exchange.queued.is_empty() {
        let others = pairing.reasons_of_none();
        others.for_each(|found| extack(found, render, out));
    }
    for found in &exchange.losses {
        loss(found, render, out);
    }
}

/// A message in a queue: a reply, a notification, or a message between processes.
fn answer(
    exchange: &Exchange,
    queued: &Queued,
    extacks: &[Extack],
    start_ns: u64,
    render: &RenderOptions,
    out: &mut String,
) {
    let found = &queued.message;
    let datagram = &found.datagram;
    let read = queued.delivery.as_ref();
    let room = room(render);
    let who = match (read, &exchange.request) {
        (Some(read), _) => process(&read.head, room, render),
        (None, Some(request)) if !exchange.is_itself(queued) => {
            process(&request.head, room, render)
        }
        _ => format!("port {}", datagram.peer_portid),
    };
    let time_ns = match found.seen().time_ns {
        0 => read.map_or(0, |read| read.receive_ns),
        time_ns => time_ns,
    };
    let crossing = (datagram, datagram.direction(), Some(datagram.len));
    let mut line = message(time_ns, &who, crossing, render);
    let error = datagram.error();
    match error {
        Some(0) => line.push(TO_USER, "ACK "),
        Some(errno) => line.push(ERROR, &format!("{} ", error_name(errno))),
        None => &mut line,
    };
    // Before the time: a narrow line has no room for more.
    for mark in marks::brief_of_message(queued) {
        line.push(ERROR, &format!("{mark} "));
    }
    ended(queued, start_ns, render, &mut line);
    if queued.peeks > 0 {
        line.push(DIM, &format!(" peeked {}", queued.peeks));
    }
    reasons(extacks, render, &mut line);
    line.end(out);
}

/// The requests after a datagram's first: each has its own line, because each gets its own reply.
fn further_requests(datagram: &Datagram, render: &RenderOptions, out: &mut String) {
    let columns = of(render);
    for header in datagram.headers().iter().skip(1) {
        let mut line = Line::new(render);
        line.to(columns.process).push(DIM, "in the same datagram");
        fields(datagram, header, render, &mut line);
        line.right(PLAIN, &header.len.to_string(), columns.len + 5);
        line.end(out);
    }
}

/// How long it took, or that it was not read.
fn ended(queued: &Queued, start_ns: u64, render: &RenderOptions, line: &mut Line<'_>) {
    match &queued.delivery {
        Some(read) if read.result < 0 => line.push(ERROR, &error_name(read.result)),
        Some(read) => {
            let ended_ns = read.delivered_ns.max(read.receive_ns);
            line.push(PLAIN, &short(ended_ns.saturating_sub(start_ns)))
        }
        None if queued.gone && render.width >= WIDE => line.push(ERROR, "unread, closed"),
        None => line.push(ERROR, "unread"),
    };
}

fn reasons(extacks: &[Extack], render: &RenderOptions, line: &mut Line<'_>) {
    for extack in extacks {
        let text = render.shown(extack_text(extack)).into_owned();
        line.push(ERROR, &format!(" \"{text}\""));
    }
}

/// A loss.
pub(super) fn loss(loss: &Loss, render: &RenderOptions, out: &mut String) {
    let what = match loss.overrun {
        0 => "failed",
        _ => "overrun",
    };
    // The owner of the loss or, if unknown, the task in whose call it happened.
    let task = process(&loss.head, room(render), render);
    let who = loss.owner.as_ref().map(|who| owner(who, render));
    let who = who.map_or_else(|| task.clone(), |who| cut(&who, room(render), render));
    let mut line = wrong(loss.time_ns, loss.head.protocol, &who, what, render);
    line.push(ERROR, &format!(" port {}", loss.portid));
    line.to(of(render).result);
    line.push(ERROR, &error_name(loss.result));
    if loss.owner.is_some_and(|owner| owner.pid != loss.head.pid) {
        line.push(ERROR, &format!(" in {task}"));
    }
    line.end(out);
}

/// An extended ACK that belongs to no exchange.
pub(super) fn extack(extack: &Extack, render: &RenderOptions, out: &mut String) {
    let head = &extack.head;
    let who = process(head, room(render), render);
    let mut line = wrong(extack.time_ns, head.protocol, &who, "extack", render);
    let text = render.shown(extack_text(extack)).into_owned();
    line.push(ERROR, &format!("\"{text}\"")).end(out);
}

/// The start of a line that is not about a message.
fn wrong<'a>(
    time_ns: u64,
    protocol: u32,
    who: &str,
    what: &str,
    render: &'a RenderOptions,
) -> Line<'a> {
    let mut line = begin(time_ns, (ERROR, "xx"), protocol, who, render);
    line.to(of(render).kind)
        .push(ERROR, what)
        .to(of(render).flags);
    line
}

/// Columns for a process.
const fn room(render: &RenderOptions) -> usize {
    let columns = of(render);
    columns.kind - columns.process - 1
}

fn begin<'a>(
    time_ns: u64,
    (style, arrow): (Style, &str),
    number: u32,
    who: &str,
    render: &'a RenderOptions,
) -> Line<'a> {
    let columns = of(render);
    let mut line = Line::new(render);
    line.right(DIM, &clock(time_ns), 11).push(PLAIN, " ");
    line.push(style, arrow).to(columns.protocol);
    let name = if render.width < WIDE {
        number.to_string()
    } else {
        protocol(number)
    };
    line.push(PLAIN, &name).to(columns.process).push(BOLD, who);
    line
}

/// A message, its direction and, if known, its length.
fn message<'a>(
    time_ns: u64,
    who: &str,
    (datagram, direction, len): (&Datagram, Direction, Option<u32>),
    render: &'a RenderOptions,
) -> Line<'a> {
    let columns = of(render);
    let arrow = match direction {
        Direction::UserToKernel => (TO_KERNEL, "->"),
        Direction::KernelToUser => (TO_USER, "<-"),
        Direction::UserToUser => (TO_KERNEL, "=>"),
        Direction::KernelToKernel => (DIM, "<>"),
    };
    let mut line = begin(time_ns, arrow, datagram.protocol, who, render);
    match (datagram.header(), datagram.text()) {
        (Some(header), _) => fields(datagram, &header, render, &mut line),
        // A uevent.
        (None, Some(text)) => {
            let room = columns.len - columns.kind - 1;
            let text = cut(&render.shown(text.as_bytes()), room, render);
            line.to(columns.kind).push(PLAIN, &text);
        }
        (None, None) => {}
    }
    let len = len.map_or_else(|| "-".to_owned(), |len| len.to_string());
    line.right(PLAIN, &len, columns.len + 5);
    line.to(columns.result);
    line
}

/// The type, flags and sequence number in a header.
fn fields(datagram: &Datagram, header: &Header, render: &RenderOptions, line: &mut Line<'_>) {
    let columns = of(render);
    let room = columns.flags - columns.kind - 1;
    let name = cut(&kind(datagram, header), room, render);
    line.to(columns.kind).push(PLAIN, &name).to(columns.flags);
    if render.width < WIDE {
        line.push(PLAIN, &format!("{:#x}", header.flags));
    } else {
        let room = columns.seq - columns.flags - 1;
        line.push(PLAIN, &cut(&flags(datagram.protocol, header), room, render));
    }
    line.right(PLAIN, &header.seq.to_string(), columns.seq + 10);
}

/// The type's name, or its number.
fn kind(datagram: &Datagram, header: &Header) -> String {
    let name = type_name(datagram.protocol, header.kind);
    let short = name.map(|name| {
        let start = ["NLMSG_", "RTM_", "GENL_ID_", "SOCK_"];
        let mut short = start.iter().filter_map(|start| name.strip_prefix(start));
        short.next().unwrap_or(name)
    });
    short.map_or_else(|| header.kind.to_string(), str::to_owned)
}
