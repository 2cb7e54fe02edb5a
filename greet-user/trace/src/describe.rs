// SPDX-License-Identifier: MIT OR Apache-2.0
//! One answer to each question about an exchange: its owner, who caused it, who read it, what
//! failed and the name of the error. Every view asks here, so no two disagree.

pub mod counts;
mod errno;
pub mod marks;
mod words;

pub use errno::{error_name, error_text};
pub use words::{bytes, counted};

use crate::{
    event::{Datagram, Extack, Head},
    journey::{Exchange, Queued, Status},
};

/// The owner of an exchange: the task that sent the request; for a notification, the task that read
/// it or, if none did, the task that queued it.
#[must_use]
pub fn owner(exchange: &Exchange) -> Option<&Head> {
    let request = exchange.request.as_ref().map(|request| &request.head);
    request
        .or_else(|| reader(exchange))
        .or_else(|| originator(exchange))
}

/// Who caused it: the task that sent the request or, for a notification, the task in whose context
/// the kernel queued it.
#[must_use]
pub fn originator(exchange: &Exchange) -> Option<&Head> {
    let request = exchange.request.as_ref().map(|request| &request.head);
    request.or_else(|| Some(&exchange.queued.first()?.message.head))
}

/// The reader of its first message, if it was read.
#[must_use]
pub fn reader(exchange: &Exchange) -> Option<&Head> {
    let delivery = exchange.queued.first()?.delivery.as_ref();
    delivery.map(|read| &read.head)
}

/// The datagram that started it: the request or the notification.
#[must_use]
pub fn datagram(exchange: &Exchange) -> Option<&Datagram> {
    let request = exchange.request.as_ref().map(|request| &request.datagram);
    request.or_else(|| Some(&exchange.queued.first()?.message.datagram))
}

/// The negative errno of what went wrong, if known: what `sendmsg()` returned, else the first error
/// of a reply, a lost reply or a failed read.
#[must_use]
pub fn errno(exchange: &Exchange) -> Option<i32> {
    if exchange.status() == Status::Died {
        return None;
    }
    let request = exchange.request.as_ref();
    let sent = request.map(|request| request.result);
    let replies = exchange.queued.iter();
    let mut replies = replies.filter_map(|queued| queued.message.datagram.error());
    let lost = || exchange.own_losses().next().map(|loss| loss.result);
    let read = |queued: &Queued| Some(queued.delivery.as_ref()?.result);
    let mut reads = exchange.queued.iter().filter_map(read);
    sent.filter(|errno| *errno < 0)
        .or_else(|| replies.find(|errno| *errno < 0))
        .or_else(lost)
        .or_else(|| reads.find(|errno| *errno < 0))
}

/// The text of an extended ACK, without its NUL.
#[must_use]
pub fn extack_text(extack: &Extack) -> &[u8] {
    let mut parts = extack.text.split(|byte| *byte == 0);
    parts.next().unwrap_or_default()
}
