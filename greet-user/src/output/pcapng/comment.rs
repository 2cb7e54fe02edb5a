// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text of a comment: one line, its parts separated by semicolons. Names come from processes,
//! so unprintable characters are escaped. Kernel addresses stay out.

use std::fmt::Write as _;

use greet_common::Stage;

use greet_trace::{
    describe::{counted, counts, error_name, error_text, extack_text, marks},
    event::{Datagram, Direction, End, Extack, Head, Loss, Message, Request, comm, escaped},
    journey::{Exchange, Queued, Seen, Status},
    run::{Summary, System},
};

/// Notes per packet; further ones are only counted.
const NOTES: usize = 8;

/// What went wrong.
#[derive(Default)]
pub(super) struct Notes {
    first: Vec<String>,
    more: u64,
}

impl Notes {
    pub(super) fn push(&mut self, note: String) {
        if self.first.len() < NOTES {
            self.first.push(note);
        } else {
            self.more += 1;
        }
    }

    /// The same for a later packet.
    pub(super) fn of_before(self) -> Self {
        let earlier = |note| format!("before this packet: {note}");
        Self {
            first: self.first.into_iter().map(earlier).collect(),
            ..self
        }
    }

    /// The text, followed by the notes.
    pub(super) fn behind(&self, mut text: String) -> String {
        for note in &self.first {
            add(&mut text, note);
        }
        if self.more > 0 {
            add(&mut text, &format!("and {} more", self.more));
        }
        text
    }
}

/// For the file as a whole: what is seen, and what is not.
pub(super) fn of_interface(system: &System) -> String {
    let attached = &system.attached;
    let mut text = "netlink messages of all network namespaces".to_owned();
    if !attached.hooks.is_empty() {
        add(&mut text, &format!("hooks: {}", attached.hooks.join(", ")));
    }
    for missing in &attached.missing {
        add(&mut text, missing);
    }
    text
}

/// For a request; `exchange` once it has ended.
pub(super) fn of_request(
    request: &Request,
    exchange: Option<&Exchange>,
    callback: Option<&str>,
) -> String {
    let datagram = &request.datagram;
    let mut text = process(&request.head);
    match datagram.peer_portid {
        0 => text.push_str(" to the kernel"),
        portid => append(&mut text, format_args!(" to port {portid}")),
    }
    if request.result < 0 {
        add(&mut text, &returned("sendmsg()", request.result));
    }
    match exchange {
        Some(exchange) => add_end(&mut text, exchange),
        None => add(&mut text, "written before its exchange ended"),
    }
    let own = || {
        vec![
            (Stage::Send, request.send_ns),
            (Stage::Cross, request.cross_ns),
            (Stage::Handle, request.handle_ns),
            (Stage::Handled, request.handled_ns),
            (Stage::Sent, request.sent_ns),
        ]
    };
    let stages = exchange.map_or_else(own, Exchange::stages);
    let base_ns = start_of(request);
    add_stages(&mut text, "since send", &stages, base_ns);
    if let Some(callback) = callback.filter(|_| request.handle_ns != 0) {
        add(&mut text, &format!("callback {callback}"));
    }
    if request.result >= 0 && request.end == End::Returned {
        add(&mut text, &returned("sendmsg()", request.result));
    }
    add_where(&mut text, datagram);
    text
}

/// The outcome of a request.
fn add_end(text: &mut String, exchange: &Exchange) {
    let mut queued = exchange.queued.iter();
    if let Some(itself) = queued.find(|queued| exchange.is_itself(queued)) {
        add_reading(text, itself);
    }
    let answers = exchange.queued.iter();
    let answers = answers.filter(|queued| !exchange.is_itself(queued)).count();
    let status = exchange.status();
    match (status, answers) {
        (Status::Answered | Status::Unread, 2..) => {
            add(text, &format!("{} ({answers} messages)", status.name()));
        }
        _ => add(text, status.name()),
    }
    for mark in marks::of_exchange(exchange) {
        add(text, &mark);
    }
    if status == Status::Refused {
        let mut errors = exchange
            .queued
            .iter()
            .map(|queued| &queued.message.datagram);
        if let Some(refusal) = errors.find(|datagram| datagram.error().is_some_and(|no| no < 0)) {
            add_error(text, refusal);
        }
    }
}

/// For a message whose exchange has ended.
pub(super) fn of_answer(queued: &Queued, exchange: &Exchange) -> String {
    let message = &queued.message;
    let (mut stages, mut reader) = (own_stages(message), None);
    if let Some(read) = &queued.delivery {
        stages.extend([
            (Stage::Receive, read.receive_ns),
            (Stage::Delivered, read.delivered_ns),
        ]);
        reader = Some(&read.head);
    }
    let mut text = addressee(message, reader);
    add_error(&mut text, &message.datagram);
    match &exchange.request {
        Some(request) => {
            let base_ns = start_of(request);
            add_stages(&mut text, "since send", &stages, base_ns);
            add(&mut text, &format!("answers {}", process(&request.head)));
        }
        None => add_stages(&mut text, "since queue", &stages, message.queue_ns),
    }
    add_reading(&mut text, queued);
    add_queue(&mut text, message);
    text
}

/// For a message whose exchange has not ended.
pub(super) fn of_message(message: &Message, seen: Seen) -> String {
    let mut text = addressee(message, None);
    let stages = own_stages(message);
    add_error(&mut text, &message.datagram);
    add_stages(&mut text, "since reply or queue", &stages, seen.time_ns);
    add(&mut text, "written before it was read");
    add_queue(&mut text, message);
    text
}

/// For a message that a socket did not get.
pub(super) fn of_loss(loss: &Loss) -> String {
    let (port, who, why) = (loss.portid, process(&loss.head), error(loss.result));
    let owner = loss.owner.as_ref().map_or_else(String::new, |owner| {
        format!(" of {}[{}]", escaped(owner.comm()), owner.pid)
    });
    if loss.overrun == 0 {
        format!("a message to port {port} could not be delivered, {why}, in {who}")
    } else {
        format!("port {port}{owner} lost a message to its full receive queue, {why}, in {who}")
    }
}

/// An extended ACK.
pub(super) fn of_extack(extack: &Extack, seq: Option<u32>) -> String {
    let to = seq.map_or_else(String::new, |seq| format!(" to seq {seq}"));
    format!("extended ACK{to}: {}", escaped(extack_text(extack)))
}

/// For the whole run.
pub(super) fn of_summary(observed: &Summary, left: &Notes) -> String {
    let (events, dropped) = (observed.events, observed.events_dropped);
    let mut text = counts::seen(observed);
    if let Some(lost) = counts::lost(observed) {
        add(&mut text, &lost);
    }
    let events = counted(events, "record", "records");
    let missed = counted(observed.calls_missed, "call", "calls");
    add(
        &mut text,
        &format!("{events} seen, {dropped} dropped, {missed} missed"),
    );
    left.behind(text)
}

fn start_of(request: &Request) -> u64 {
    let times = [request.send_ns, request.cross_ns, request.sent_ns];
    times.into_iter().find(|ns| *ns != 0).unwrap_or(0)
}

fn own_stages(message: &Message) -> Vec<(Stage, u64)> {
    let mut stages = vec![(Stage::Queue, message.queue_ns)];
    if message.datagram.portid == 0 {
        stages.insert(0, (Stage::Reply, message.reply_ns));
    }
    stages
}

/// `greet-user[70]`, with the thread ID if it is not the main thread.
fn process(head: &Head) -> String {
    let (pid, tid, name) = (head.pid, head.tid, escaped(comm(head)));
    if pid == tid {
        format!("{name}[{pid}]")
    } else {
        format!("{name}[{pid}] thread {tid}")
    }
}

/// The addressee of a message: its reader or, if there is none yet, its port.
fn addressee(message: &Message, reader: Option<&Head>) -> String {
    let datagram = &message.datagram;
    let from = match datagram.direction() {
        Direction::KernelToUser | Direction::KernelToKernel => "the kernel".to_owned(),
        _ => format!("port {}", datagram.portid),
    };
    match reader {
        Some(head) => format!("{from} to {}", process(head)),
        None => format!("{from} to port {}", datagram.peer_portid),
    }
}

/// How it was read, or that it was not.
fn add_reading(text: &mut String, queued: &Queued) {
    match &queued.delivery {
        Some(read) => {
            let who = process(&read.head);
            add(text, &format!("read by {who}"));
            // If the end of the call was not seen, neither was its result.
            if read.delivered_ns != 0 {
                append(
                    text,
                    format_args!(", {}", returned("recvmsg()", read.result)),
                );
            }
            for mark in marks::of_message(queued) {
                add(text, &mark);
            }
        }
        None if queued.gone => add(text, "never read: its socket was closed"),
        None => add(text, "not read"),
    }
    if queued.peeks > 0 {
        let peeks = queued.peeks;
        add(text, &format!("peeked at before (MSG_PEEK): {peeks}"));
    }
}

/// The task that queued it, and where.
fn add_queue(text: &mut String, message: &Message) {
    add(text, &format!("queued in {}", process(&message.head)));
    add_where(text, &message.datagram);
}

fn add_where(text: &mut String, datagram: &Datagram) {
    if datagram.group != 0 {
        add(text, &format!("multicast group {}", datagram.group));
    }
    if let Some(nsid) = datagram.beyond.nsid {
        add(
            text,
            &format!("from the network namespace with nsid {nsid}"),
        );
    }
    let (from, to, netns) = (datagram.portid, datagram.peer_portid, datagram.netns);
    add(text, &format!("port {from} to {to}, netns {netns}"));
}

fn add_error(text: &mut String, datagram: &Datagram) {
    match datagram.error() {
        Some(0) => add(text, "acknowledgement"),
        Some(errno) => add(text, &error(errno)),
        None => {}
    }
}

/// The stages reached, in order of time.
fn add_stages(text: &mut String, since: &str, stages: &[(Stage, u64)], base_ns: u64) {
    let mut queued: Vec<_> = stages.iter().filter(|(_, ns)| *ns != 0).collect();
    queued.sort_by_key(|(_, ns)| *ns);
    if queued.is_empty() {
        return;
    }
    append(text, format_args!("; ns {since}:"));
    for (at, (stage, ns)) in queued.into_iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let ns = i128::from(*ns) - i128::from(base_ns);
        append(text, format_args!("{comma} {} {ns}", stage.name()));
    }
}

fn returned(call: &str, result: i32) -> String {
    if result < 0 {
        format!("{call} failed: {}", error(result))
    } else {
        format!("{call} returned {result}")
    }
}

/// `error -19 ENODEV (No such device)`.
fn error(errno: i32) -> String {
    let (name, words) = (error_name(errno), error_text(errno));
    format!("error {errno} {name} ({words})")
}

fn add(text: &mut String, part: &str) {
    append(text, format_args!("; {part}"));
}

fn append(text: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    text.write_fmt(part).unwrap_or_default();
}
