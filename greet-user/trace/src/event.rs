// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tracer saw, as user space represents it.

use std::borrow::Cow;

pub use greet_common::event::{Close, Delivery, Extack, Head};
use greet_common::wire::{ALIGN_TO, HEADER_SIZE, Header, NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR};

mod beyond;
mod end;
mod loss;
mod names;
mod reason;
pub mod samples;
mod text;
mod uevent;

pub use beyond::{Beyond, Done};
pub use end::End;
pub use loss::{Loss, Owner};
pub use names::{flag_names, protocol_name, protocol_names, protocol_number, type_name};
pub use text::{all, escaped, is_printable, printable};

/// The largest errno (`include/linux/err.h`).
const MAX_ERRNO: i32 = 4095;

/// The content of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A `sendmsg()` has ended.
    Request(Request),
    /// A message was put into a receive queue.
    Message(Message),
    /// A message was taken out of it.
    Delivery(Delivery),
    /// A message was lost.
    Loss(Loss),
    /// The kernel gave its reason for refusing a request.
    Extack(Extack),
    /// A socket was closed.
    Close(Close),
}

impl Event {
    /// When it was over: CLOCK_MONOTONIC, ns; 0 if not known.
    #[must_use]
    pub fn time_ns(&self) -> u64 {
        match self {
            Self::Request(request) => request.sent_ns.max(request.send_ns),
            Self::Message(message) => message.queue_ns.max(message.reply_ns),
            Self::Delivery(delivery) => delivery.delivered_ns,
            Self::Loss(loss) => loss.time_ns,
            Self::Extack(extack) => extack.time_ns,
            Self::Close(close) => close.time_ns,
        }
    }
}

impl Event {
    /// Who and where.
    #[must_use]
    pub const fn head(&self) -> &Head {
        match self {
            Self::Request(request) => &request.head,
            Self::Message(message) => &message.head,
            Self::Delivery(delivery) => &delivery.head,
            Self::Loss(loss) => &loss.head,
            Self::Extack(extack) => &extack.head,
            Self::Close(close) => &close.head,
        }
    }
}

/// One `sendmsg()`. Times are CLOCK_MONOTONIC in ns, 0 for a stage that was not passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who sent it, and through which socket.
    pub head: Head,
    /// Stage `send`.
    pub send_ns: u64,
    /// Stage `cross`.
    pub cross_ns: u64,
    /// Stage `handle`.
    pub handle_ns: u64,
    /// Stage `handled`.
    pub handled_ns: u64,
    /// Stage `sent`.
    pub sent_ns: u64,
    /// What `sendmsg()` returned: bytes, or a negative errno; 0 if it did not return.
    pub result: i32,
    /// Whether `sendmsg()` returned.
    pub end: End,
    /// How many replies were not queued.
    pub unqueued: u32,
    /// What was sent; without bytes if the call did not get that far.
    pub datagram: Datagram,
}

/// One message that was put into a socket's receive queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// In which task, and into which socket's queue.
    pub head: Head,
    /// Together with the socket it identifies the message.
    pub skb: u64,
    /// Stage `reply`, 0 if it did not come through `netlink_unicast`.
    pub reply_ns: u64,
    /// Stage `queue`, 0 if that was not seen.
    pub queue_ns: u64,
    /// The message.
    pub datagram: Datagram,
}

/// A datagram, as far as it was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Netlink protocol.
    pub protocol: u32,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Port ID of the sender, according to the kernel.
    pub portid: u32,
    /// Port ID of the receiver.
    pub peer_portid: u32,
    /// Multicast group it was sent to, 0 for none.
    pub group: u32,
    /// Length of the whole datagram, in bytes.
    pub len: u32,
    /// What is known beyond its first bytes.
    pub beyond: Beyond,
    /// Its first bytes.
    pub data: Box<[u8]>,
}

/// Which way a message crosses the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a process to the kernel.
    UserToKernel,
    /// From the kernel to a process.
    KernelToUser,
    /// Between processes.
    UserToUser,
    /// From the kernel to itself: a reply to port 0.
    KernelToKernel,
}

impl Request {
    /// The direction. A socket that was never bound has port 0, as the kernel has, but still
    /// belongs to a process.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self.datagram.peer_portid {
            0 => Direction::UserToKernel,
            _ => Direction::UserToUser,
        }
    }

    /// Length of what was sent, in bytes; `None` if not known: the end of a failed call does not
    /// show it.
    #[must_use]
    pub const fn length(&self) -> Option<u32> {
        let is_described = self.datagram.netns != 0 && (self.send_ns != 0 || self.result >= 0);
        if is_described || !self.datagram.data.is_empty() {
            Some(self.datagram.len)
        } else {
            None
        }
    }
}

/// The command name of a task, as it is: any bytes but NUL.
#[must_use]
pub fn comm(head: &Head) -> &[u8] {
    let mut parts = head.comm.split(|byte| *byte == 0);
    parts.next().unwrap_or_default()
}

/// A stage's time, if it was passed.
#[must_use]
pub const fn reached(time_ns: u64) -> Option<u64> {
    match time_ns {
        0 => None,
        time_ns => Some(time_ns),
    }
}

impl Datagram {
    /// The direction.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match (self.portid, self.peer_portid) {
            (0, 0) => Direction::KernelToKernel,
            (0, _) => Direction::KernelToUser,
            (_, 0) => Direction::UserToKernel,
            (_, _) => Direction::UserToUser,
        }
    }

    /// The same, cut to at most this many bytes.
    #[must_use]
    pub fn cut(&self, bytes: usize) -> Self {
        Self {
            data: self.data[..self.data.len().min(bytes)].into(),
            ..*self
        }
    }

    /// The header of the first message, if a whole one was captured.
    #[must_use]
    pub fn header(&self) -> Option<Header> {
        self.messages().next().map(|(_, header)| header)
    }

    /// The headers of all messages of the datagram, as far as they were captured.
    #[must_use]
    pub fn headers(&self) -> Vec<Header> {
        self.messages().map(|(_, header)| header).collect()
    }

    /// The offset of each message, and its header.
    fn messages(&self) -> impl Iterator<Item = (usize, Header)> {
        // Uevents have none.
        let mut next = self.uevent().is_none().then_some(0);
        std::iter::from_fn(move || {
            let at: usize = next?;
            let header = Header::parse(self.data.get(at..)?).ok()?;
            let len = usize::try_from(header.len).unwrap_or(usize::MAX);
            let is_whole = len >= HEADER_SIZE;
            // The kernel stops here (`netlink_rcv_skb()`): many programs send a buffer that is
            // longer than their message, and the zeros after it are not a message. If it is the
            // first, it is shown, to explain why nothing happens.
            if !is_whole && at > 0 {
                return None;
            }
            let behind = len.checked_next_multiple_of(ALIGN_TO);
            let behind = behind.and_then(|len| at.checked_add(len));
            next = behind.filter(|_| is_whole);
            Some((at, header))
        })
    }

    /// How many bytes were not captured, if further messages start among them.
    #[must_use]
    pub fn uncaptured(&self) -> usize {
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        let captured = self.data.len();
        let last = self.messages().last();
        let behind = last.and_then(|(at, header)| {
            let stated = usize::try_from(header.len).ok()?;
            let aligned = stated.checked_next_multiple_of(ALIGN_TO)?;
            at.checked_add(aligned).filter(|_| stated >= HEADER_SIZE)
        });
        // A header that was captured there but is not among the messages is not one.
        let is_more = |behind: &usize| {
            let ends = behind.saturating_add(HEADER_SIZE);
            captured < ends && ends <= len
        };
        behind.filter(is_more).map_or(0, |_| len - captured)
    }

    /// The pieces of a uevent, if it is one.
    fn uevent(&self) -> Option<Vec<&[u8]>> {
        (self.protocol == uevent::PROTOCOL)
            .then(|| uevent::pieces(&self.data))
            .flatten()
    }

    /// The first message's payload, as far as it was captured. If the header's length is wrong,
    /// everything after the header. All of a uevent, which has no header.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        if self.uevent().is_some() {
            return &self.data;
        }
        let behind = self.data.get(HEADER_SIZE..).unwrap_or_default();
        let stated = self
            .header()
            .and_then(|header| usize::try_from(header.len).ok()?.checked_sub(HEADER_SIZE));
        stated.and_then(|len| behind.get(..len)).unwrap_or(behind)
    }

    /// The error of an `NLMSG_ERROR`: a negative errno, or 0 for an acknowledgement; or the
    /// negative errno with which a dump ended (`NLMSG_DONE`, see `netlink_dump_done()` in
    /// `net/netlink/af_netlink.c`), which may follow parts of it.
    #[must_use]
    pub fn error(&self) -> Option<i32> {
        let first = self.header()?;
        if first.kind == NLMSG_ERROR {
            return self.code_at(0);
        }
        self.done()
            .map(|done| done.error)
            .filter(|error| *error != 0)
    }

    /// The end of a dump, if the datagram holds it.
    #[must_use]
    pub fn done(&self) -> Option<Done> {
        let mut messages = self.messages();
        let first = messages.next()?;
        if first.1.flags & NLM_F_MULTI == 0 {
            return None;
        }
        let mut all = std::iter::once(first).chain(messages);
        let Some((at, header)) = all.find(|(_, header)| header.kind == NLMSG_DONE) else {
            return self.beyond.done;
        };
        let error = self
            .code_at(at)
            .filter(|code| (-MAX_ERRNO..0).contains(code));
        Some(Done {
            flags: header.flags,
            error: error.unwrap_or(0),
        })
    }

    /// The number after the header at this offset.
    fn code_at(&self, at: usize) -> Option<i32> {
        let code = self.data.get(at.checked_add(HEADER_SIZE)?..)?;
        Some(i32::from_ne_bytes(*code.first_chunk()?))
    }

    /// The payload's text, if it is text. A uevent's is put on one line, with unprintable
    /// characters escaped.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self.uevent() {
            Some(pieces) => Some(Cow::Owned(uevent::text(&pieces))),
            None => printable(self.payload()).map(Cow::Borrowed),
        }
    }
}

impl Direction {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::UserToKernel => "user to kernel",
            Self::KernelToUser => "kernel to user",
            Self::UserToUser => "user to user",
            Self::KernelToKernel => "kernel to kernel",
        }
    }

    /// As a single word, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserToKernel => "user_to_kernel",
            Self::KernelToUser => "kernel_to_user",
            Self::UserToUser => "user_to_user",
            Self::KernelToKernel => "kernel_to_kernel",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
