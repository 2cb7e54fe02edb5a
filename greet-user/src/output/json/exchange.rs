// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exchange that has ended.

use greet_common::{Stage, wire::NETLINK_TEST_PROTOCOL};
use greet_trace::{
    describe::{self, extack_text},
    event::{Head, Request, comm, escaped, printable},
    greeting::{Greeting, Outcome},
    journey::{Exchange, FIRST_REPLY, Pairing, Queued},
};

use super::{
    lines::{TOTAL, VERSION},
    object::{Object, string},
};

/// Appends what the tracer saw; returns whether it saw anything.
pub(super) fn exchange(
    line: &mut Vec<u8>,
    exchange: &Exchange,
    callback: Option<&str>,
    greeting: Option<&Greeting>,
) -> bool {
    let of_exchange = describe::owner(exchange).zip(describe::datagram(exchange));
    let Some((head, datagram)) = of_exchange else {
        return false;
    };
    let queued = exchange.stages();
    let t_ns = queued.first().map_or(0, |(_, time_ns)| *time_ns);
    Object::write(line, |line| {
        line.word("kind", "exchange");
        line.number("v", VERSION);
        line.number("protocol", head.protocol);
        whose(line, exchange, head);
        if datagram.netns != 0 {
            line.number("netns", datagram.netns);
        }
        line.number("portid", datagram.portid);
        let seq = exchange.seq();
        if let Some(seq) = seq.or_else(|| Some(datagram.header()?.seq)) {
            line.number("seq", seq);
        }
        if let Some(callback) = callback.filter(|_| exchange.stage(Stage::Handle).is_some()) {
            line.text("callback", callback);
        }
        line.number("t_ns", t_ns);
        stages(line, &queued, t_ns);
        line.object("spans", |line| {
            for (name, span_ns) in exchange.spans() {
                line.number(name, span_ns);
                if name == FIRST_REPLY {
                    line.number(TOTAL, span_ns);
                }
            }
        });
        if let Some(request) = &exchange.request {
            line.object("request", |line| asked(line, exchange, request, t_ns));
        }
        let pairing = Pairing::of(exchange);
        let answers = exchange.queued.iter().enumerate();
        let answers = answers.filter(|(_, queued)| !exchange.is_itself(queued));
        line.list("replies", answers, |line, answer| {
            reply(line, exchange, &pairing, answer, t_ns);
        });
        match greeting {
            Some(greeting) => line.word("status", greeting.outcome.name()),
            None => line.word("status", exchange.status().name()),
        }
        marks(line, exchange);
        if let Some(remark) = exchange.remark().filter(|_| greeting.is_none()) {
            line.word("reason", remark);
        }
        extacks(line, exchange, &pairing);
        if let Some(greeting) = greeting {
            as_the_client_saw_it(line, greeting);
        }
    });
    true
}

/// The owner, and who caused it if that is another task.
fn whose(line: &mut Object<'_>, exchange: &Exchange, owner: &Head) {
    line.number("pid", owner.pid);
    let name = comm(owner);
    if !name.is_empty() {
        line.escaped("comm", name);
    }
    let other = describe::originator(exchange);
    if let Some(other) = other.filter(|other| other.tid != owner.tid) {
        line.object("originator", |line| {
            line.number("pid", other.pid);
            line.number("tid", other.tid);
            line.escaped("comm", comm(other));
        });
    }
}

/// The request, and, if it went to another process, how that process got it.
fn asked(line: &mut Object<'_>, exchange: &Exchange, request: &Request, t_ns: u64) {
    if let Some(len) = request.length() {
        line.number("len", len);
    }
    if let Some(text) = request.datagram.text() {
        line.text("text", &text);
    }
    if request.result < 0 {
        line.number("error", request.result);
    }
    let mut messages = exchange.queued.iter();
    if let Some(arrival) = messages.find(|queued| exchange.is_itself(queued)) {
        reading(line, arrival, t_ns);
    }
}

/// The texts of extended ACKs, and the requests that they are about.
fn extacks(line: &mut Object<'_>, exchange: &Exchange, pairing: &Pairing<'_>) {
    if exchange.extacks.is_empty() {
        return;
    }
    line.list("extack", &exchange.extacks, |line, extack| {
        string(line, &escaped(extack_text(extack)));
    });
    line.list("extack_seq", pairing.seqs_of_reasons(), |line, seq| {
        let text = seq.map_or_else(|| "null".to_owned(), |seq| seq.to_string());
        line.extend_from_slice(text.as_bytes());
    });
}

/// The marks, whatever the status; only those that apply are written.
fn marks(line: &mut Object<'_>, exchange: &Exchange) {
    let counts = [
        ("lost", exchange.lost()),
        ("truncated", exchange.truncated()),
    ];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        line.number(name, count);
    }
    if exchange.is_interrupted() {
        line.truth("dump_interrupted");
    }
}

/// Appends a greeting that no tracer saw.
pub(super) fn untraced(line: &mut Vec<u8>, greeting: &Greeting) {
    Object::write(line, |line| {
        line.word("kind", "exchange");
        line.number("v", VERSION);
        line.number("protocol", NETLINK_TEST_PROTOCOL);
        line.number("pid", greeting.pid);
        line.number("portid", greeting.portid);
        line.number("seq", greeting.sent.seq);
        line.number("t_ns", greeting.sent.time_ns);
        line.object("stages", |_| ());
        line.object("spans", |_| ());
        line.object("request", |line| {
            line.number("len", greeting.sent.len);
            if let Some(text) = printable(greeting.text.as_bytes()) {
                line.text("text", text);
            }
        });
        let answer = match &greeting.outcome {
            Outcome::Answered(answer) => Some(answer),
            Outcome::NotAskedFor | Outcome::Lost(_) => None,
        };
        line.list("replies", answer, |line, answer| {
            Object::write(line, |line| {
                line.number("len", answer.header.len);
                if let Some(text) = printable(&answer.payload) {
                    line.text("text", text);
                }
            });
        });
        line.word("status", greeting.outcome.name());
        as_the_client_saw_it(line, greeting);
    });
}

fn as_the_client_saw_it(line: &mut Object<'_>, greeting: &Greeting) {
    if let Some(round_trip_ns) = greeting.round_trip_ns() {
        line.number("round_trip_ns", round_trip_ns);
    }
    if let Outcome::Lost(why) = &greeting.outcome {
        line.text("reason", why);
    }
    if !greeting.rejected.is_empty() {
        line.list("rejected", &greeting.rejected, |line, why| {
            string(line, why);
        });
    }
}

fn reply(
    line: &mut Vec<u8>,
    exchange: &Exchange,
    pairing: &Pairing<'_>,
    (at, queued): (usize, &Queued),
    t_ns: u64,
) {
    let (message, datagram) = (&queued.message, &queued.message.datagram);
    Object::write(line, |line| {
        line.number("len", datagram.len);
        if let Some(header) = datagram.header() {
            line.number("seq", header.seq);
        }
        if let Some(number) = pairing.request_of(queued).filter(|_| pairing.are_several()) {
            line.number("request", number);
        }
        if let Some(nsid) = datagram.beyond.nsid {
            line.number("nsid", nsid);
        }
        if let Some(text) = datagram.text() {
            line.text("text", &text);
        }
        if let Some(error) = datagram.error() {
            line.number("error", error);
        }
        let mut reasons = pairing.reasons_of(at).peekable();
        if reasons.peek().is_some() {
            line.list("extack", reasons, |line, extack| {
                string(line, &escaped(extack_text(extack)));
            });
        }
        let is_others = |request: &Request| request.head.tid != message.head.tid;
        // If it was first seen when it was read, the task that queued it is unknown.
        let is_known = message.queue_ns != 0 && !comm(&message.head).is_empty();
        if is_known && exchange.request.as_ref().is_some_and(is_others) {
            line.object("queued_by", |line| {
                line.number("pid", message.head.pid);
                line.number("tid", message.head.tid);
                line.escaped("comm", comm(&message.head));
            });
        }
        reading(line, queued, t_ns);
    });
}

/// The message's own stages, and its reader.
fn reading(line: &mut Object<'_>, queued: &Queued, t_ns: u64) {
    let Queued {
        message, delivery, ..
    } = queued;
    let delivery = delivery.as_ref();
    let read = delivery.map(|read| (read.receive_ns, read.delivered_ns));
    let (receive_ns, delivered_ns) = read.unwrap_or_default();
    let passed_at = [
        (Stage::Reply, message.reply_ns),
        (Stage::Queue, message.queue_ns),
        (Stage::Receive, receive_ns),
        (Stage::Delivered, delivered_ns),
    ];
    if passed_at.iter().any(|(_, time_ns)| *time_ns != 0) {
        stages(line, &passed_at, t_ns);
    }
    if let Some(read) = delivery {
        line.object("reader", |line| {
            line.number("pid", read.head.pid);
            line.number("tid", read.head.tid);
            line.escaped("comm", comm(&read.head));
            line.number("portid", message.datagram.peer_portid);
            // If the end of the call was not seen, neither was its result.
            if read.delivered_ns != 0 {
                line.number("result", read.result);
            }
            if let Some(copied) = queued.copied() {
                line.number("copied", copied);
            }
            if queued.is_truncated() {
                line.truth("truncated");
            }
        });
    }
    if queued.gone {
        line.truth("left_with_socket");
    }
    if queued.closed_ns != 0 {
        line.number("closed", queued.closed_ns.saturating_sub(t_ns));
    }
    if queued.peeks != 0 {
        line.number("peeks", queued.peeks);
    }
}

/// When the stages were reached, 0 for one that was not: written in ns since `t_ns`.
fn stages(line: &mut Object<'_>, queued: &[(Stage, u64)], t_ns: u64) {
    line.object("stages", |line| {
        for (stage, time_ns) in queued.iter().filter(|(_, time_ns)| *time_ns != 0) {
            line.number(stage.name(), time_ns.saturating_sub(t_ns));
        }
    });
}
