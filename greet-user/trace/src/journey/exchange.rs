// SPDX-License-Identifier: MIT OR Apache-2.0
//! What belongs together: a request, its handler, its replies.

use greet_common::{Stage, wire::NLM_F_ACK};

use super::{Buffer, Place};
use crate::event::{self, Datagram, Delivery, End, Extack, Loss, Message, Request};

/// A request with its handler and its replies; or a notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The request; `None` for a message that replies to none that was seen.
    pub request: Option<Request>,
    /// The replies in the order in which they were queued. For a message to another process, the
    /// message itself, in its receiver's queue.
    pub queued: Vec<Queued>,
    /// The extended ACKs.
    pub extacks: Vec<Extack>,
    /// What was lost in its request's call, including losses of other sockets: see
    /// [`Self::own_losses`].
    pub losses: Vec<Loss>,
    /// Replies that were not queued and that no loss accounts for.
    pub unexplained: u32,
    /// Receive queues were not traced: the absence of a reply means nothing.
    pub is_queue_unseen: bool,
    /// Reads were not traced: no message can be called unread.
    pub is_reading_unseen: bool,
    /// The dumps in progress, by their sequence numbers.
    pub(super) running: Vec<u32>,
    /// Until when it waits for another task's reply: CLOCK_MONOTONIC, ns; 0 if it does not.
    pub(super) due_ns: u64,
}

/// A message in a receive queue, and how it left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The message.
    pub message: Message,
    /// How it was read; `None` until then.
    pub delivery: Option<Delivery>,
    /// How often it was peeked at (`MSG_PEEK`).
    pub peeks: u32,
    /// It left the queue unread, with its socket.
    pub gone: bool,
    /// When that socket was closed: CLOCK_MONOTONIC, ns; 0 if that was not seen.
    pub closed_ns: u64,
    /// Where the journey keeps it.
    pub(super) place: Place,
}

impl Queued {
    pub(super) const fn new(message: Message) -> Self {
        Self {
            message,
            delivery: None,
            peeks: 0,
            gone: false,
            closed_ns: 0,
            place: Place::Nowhere,
        }
    }

    pub(super) const fn buffer(&self) -> Buffer {
        (self.message.head.sock, self.message.skb)
    }

    /// May it still be read?
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.delivery.is_none() && !self.gone
    }
}

impl Exchange {
    /// All the datagrams captured for it.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = &Datagram> {
        let request = self.request.iter().map(|request| &request.datagram);
        request.chain(self.queued.iter().map(|queued| &queued.message.datagram))
    }

    pub(super) fn alone(queued: Queued) -> Self {
        Self {
            queued: vec![queued],
            ..Self::default()
        }
    }

    /// A copy with up to `answers` replies, up to `notes` extended ACKs and as many losses, and up
    /// to `bytes` bytes of each message.
    #[must_use]
    pub fn cut(&self, answers: usize, notes: usize, bytes: usize) -> Self {
        let request = self.request.as_ref();
        let queued = self.queued.iter().take(answers).map(|queued| Queued {
            message: Message {
                datagram: queued.message.datagram.cut(bytes),
                ..queued.message
            },
            ..*queued
        });
        Self {
            request: request.map(|request| Request {
                datagram: request.datagram.cut(bytes),
                ..*request
            }),
            queued: queued.collect(),
            extacks: self.extacks.iter().take(notes).copied().collect(),
            losses: self.losses.iter().take(notes).copied().collect(),
            unexplained: self.unexplained,
            is_queue_unseen: self.is_queue_unseen,
            is_reading_unseen: self.is_reading_unseen,
            ..Self::default()
        }
    }

    /// Has everything queued been read, and will no more be queued? The socket of a task that died
    /// is closed.
    pub(super) fn is_over(&self) -> bool {
        let mut queued = self.queued.iter();
        let is_read = self.is_reading_unseen || !queued.any(Queued::is_waiting);
        self.is_dead() || is_read && self.running.is_empty() && self.due_ns == 0
    }

    /// Did the task that sent the request die?
    pub(super) fn is_dead(&self) -> bool {
        let request = self.request.as_ref();
        request.is_some_and(|request| request.end == End::Died)
    }

    /// Does the message reply to this request? Only for messages of the same call.
    pub(super) fn is_answered_by(&self, message: &Message) -> bool {
        let request = self.request.as_ref();
        request.is_some_and(|request| {
            message.datagram.group == 0 && message.head.sock == request.head.sock
        })
    }

    /// Is the message this request itself, in the queue of the process it is for?
    pub(super) fn is_arrival(&self, message: &Message) -> bool {
        let request = self.request.as_ref();
        request.is_some_and(|request| {
            let (sent, queued) = (&request.datagram, &message.datagram);
            sent.peer_portid != 0
                && (sent.portid, sent.peer_portid, sent.len)
                    == (queued.portid, queued.peer_portid, queued.len)
        })
    }

    /// Is this the request itself rather than a reply?
    #[must_use]
    pub fn is_itself(&self, queued: &Queued) -> bool {
        self.is_arrival(&queued.message)
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> Status {
        let Some(request) = &self.request else {
            return Status::Notification;
        };
        let mut answers = self.queued.iter().filter(|queued| !self.is_itself(queued));
        let refused = || {
            let mut errors = self
                .queued
                .iter()
                .map(|queued| queued.message.datagram.error());
            errors.any(|error| error.is_some_and(|errno| errno < 0))
        };
        if request.end == End::Died {
            Status::Died
        } else if request.end == End::Crossed {
            Status::Unfinished
        } else if request.result < 0 {
            Status::Failed
        } else if refused() {
            Status::Refused
        } else if self.lost() > 0 {
            Status::Lost
        } else if self.truncated() > 0 {
            Status::Truncated
        } else if self.is_unread() {
            Status::Unread
        } else if answers.next().is_some() {
            Status::Answered
        } else if !self.queued.is_empty() {
            Status::Delivered
        } else if self.is_queue_unseen {
            Status::Sent
        } else {
            Status::Unanswered
        }
    }

    /// Was one of its messages still unread when the trace ended? That includes a message that left
    /// its queue with its socket.
    fn is_unread(&self) -> bool {
        let mut queued = self.queued.iter();
        !self.is_reading_unseen && queued.any(|queued| queued.delivery.is_none())
    }

    /// Did the receive callback run to its end without an attempt to reply?
    #[must_use]
    pub fn is_ignored(&self) -> bool {
        let request = self.request.as_ref();
        let is_handled = request.is_some_and(|request| {
            request.handle_ns != 0 && request.handled_ns != 0 && request.unqueued == 0
        });
        is_handled && self.queued.is_empty() && self.losses.is_empty()
    }

    /// What the status does not show, in a sentence: where a call that never returned ended, or
    /// that nothing was sent in reply to a request that asked for an ACK.
    #[must_use]
    pub fn remark(&self) -> Option<&'static str> {
        let asks = || {
            let header = self.request.as_ref()?.datagram.header();
            header.map(|header| header.flags & NLM_F_ACK != 0)
        };
        self.stuck().or_else(|| {
            let is_unanswered = self.status() == Status::Unanswered;
            let is_ignored = is_unanswered && self.is_ignored() && asks() == Some(true);
            is_ignored.then_some("the callback ran and sent no reply")
        })
    }

    /// Where a call that did not return from `sendmsg()` to its program is stuck, or where its task
    /// ended; `None` if it returned. The call is in the receive callback until the end of that is
    /// passed.
    fn stuck(&self) -> Option<&'static str> {
        let request = self.request.as_ref()?;
        let is_in_callback = request.handle_ns != 0 && request.handled_ns == 0;
        Some(match (request.end, is_in_callback) {
            (End::Returned, _) => return None,
            (End::Died, true) => "the task died in the callback",
            (End::Died, false) => "the task died in sendmsg()",
            (End::Killed, _) => "killed by a signal inside sendmsg()",
            (End::Crossed, _) => "sendmsg() has not returned",
        })
    }

    /// The request's sequence number; if its bytes were not seen, that of its first reply, which
    /// carries the same number.
    #[must_use]
    pub fn seq(&self) -> Option<u32> {
        let asked = self.request.as_ref()?.datagram.header();
        let header = asked.or_else(|| self.queued.first()?.message.datagram.header());
        Some(header?.seq)
    }

    /// When the stage was passed: CLOCK_MONOTONIC, ns. If there are several replies, that of the
    /// first.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Option<u64> {
        let request = self.request.as_ref();
        let first = self.queued.first();
        let message = first.map(|queued| &queued.message);
        let delivery = first.and_then(|queued| queued.delivery.as_ref());
        event::reached(match stage {
            Stage::Send => request?.send_ns,
            Stage::Cross => request?.cross_ns,
            Stage::Handle => request?.handle_ns,
            Stage::Reply => {
                message
                    .filter(|message| message.datagram.portid == 0)?
                    .reply_ns
            }
            Stage::Queue => message?.queue_ns,
            Stage::Handled => request?.handled_ns,
            Stage::Sent => request?.sent_ns,
            Stage::Receive => delivery?.receive_ns,
            Stage::Delivered => delivery?.delivered_ns,
        })
    }

    /// The stages that were passed, in order of time.
    #[must_use]
    pub fn stages(&self) -> Vec<(Stage, u64)> {
        let queued = |stage| Some((stage, self.stage(stage)?));
        let mut stages = Vec::with_capacity(Stage::ALL.len());
        stages.extend(Stage::ALL.into_iter().filter_map(queued));
        stages.sort_by_key(|(_, time_ns)| *time_ns);
        stages
    }

    /// Time between two stages, in ns, if both were seen.
    #[must_use]
    pub fn span(&self, from: Stage, to: Stage) -> Option<u64> {
        self.stage(to)?.checked_sub(self.stage(from)?)
    }

    /// The named spans for which it has the stages, in ns.
    pub fn spans(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let named = SPANS
            .into_iter()
            .filter_map(|(name, from, to)| Some((name, self.span(from, to)?)));
        named.chain(self.complete().map(|ns| (COMPLETE, ns)))
    }

    /// From stage `send` until the last of its messages was delivered, in ns; `None` if one was
    /// not.
    #[must_use]
    pub fn complete(&self) -> Option<u64> {
        let queued = self.queued.iter();
        let read = queued.map(|queued| event::reached(queued.delivery.as_ref()?.delivered_ns));
        let last = read.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        last.checked_sub(self.stage(Stage::Send)?)
    }
}

/// The status of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There was a reply, and all replies were read, if reads are traced.
    Answered,
    /// There was a reply, but one was not read before the trace ended, or left with its socket.
    Unread,
    /// There was no reply; usually none is due.
    Unanswered,
    /// The reply was an error.
    Refused,
    /// `sendmsg()` failed.
    Failed,
    /// A reply was lost: it did not reach its queue, or not the reader's memory.
    Lost,
    /// A reply was only partly read: its reader's buffer was too small.
    Truncated,
    /// It was sent; its outcome was not traced.
    Sent,
    /// It was for another process, which has read it.
    Delivered,
    /// The task died inside `sendmsg()`: an oops killed it.
    Died,
    /// `sendmsg()` was not seen to return.
    Unfinished,
    /// There was no request.
    Notification,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Answered,
        Self::Unread,
        Self::Unanswered,
        Self::Refused,
        Self::Failed,
        Self::Lost,
        Self::Delivered,
        Self::Died,
        Self::Unfinished,
        Self::Notification,
        Self::Truncated,
        Self::Sent,
    ];

    /// As a single word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unread => "unread",
            Self::Unanswered => "unanswered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Truncated => "truncated",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Died => "died",
            Self::Unfinished => "unfinished",
            Self::Notification => "notification",
        }
    }
}

/// The span from `send` to the delivery of the first reply.
pub const FIRST_REPLY: &str = "first_reply";
/// The span from `send` to the delivery of the last reply: the same if there is only one. Not in
/// [`SPANS`], because it is not between two stages of one message.
pub const COMPLETE: &str = "complete";

/// The named spans between two stages, those of the first reply.
pub const SPANS: [(&str, Stage, Stage); 9] = [
    ("copy_in", Stage::Send, Stage::Cross),
    ("dispatch", Stage::Cross, Stage::Handle),
    ("handler", Stage::Handle, Stage::Handled),
    ("build", Stage::Handle, Stage::Reply),
    ("enqueue", Stage::Reply, Stage::Queue),
    ("return", Stage::Handled, Stage::Sent),
    ("queue_wait", Stage::Queue, Stage::Receive),
    ("copy_out", Stage::Receive, Stage::Delivered),
    (FIRST_REPLY, Stage::Send, Stage::Delivered),
];
