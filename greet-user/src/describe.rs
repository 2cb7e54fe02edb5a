// SPDX-License-Identifier: MIT OR Apache-2.0
//! One answer to each question about an exchange: whose it is, who caused it, who read it, what
//! failed and what that is called. Every view asks here, so that no two disagree.

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

/// Whose exchange it is: the task that sent the request; of a message that nobody asked for, the
/// task that read it, or, if nobody did, the one that queued it.
#[must_use]
pub fn owner(exchange: &Exchange) -> Option<&Head> {
    let request = exchange.request.as_ref().map(|request| &request.head);
    request
        .or_else(|| reader(exchange))
        .or_else(|| originator(exchange))
}

/// Who caused it: the task that sent the request, or in whose context the kernel queued a message
/// that nobody asked for.
#[must_use]
pub fn originator(exchange: &Exchange) -> Option<&Head> {
    let request = exchange.request.as_ref().map(|request| &request.head);
    request.or_else(|| Some(&exchange.queued.first()?.message.head))
}

/// Who read the first of its messages, if anybody did.
#[must_use]
pub fn reader(exchange: &Exchange) -> Option<&Head> {
    let delivery = exchange.queued.first()?.delivery.as_ref();
    delivery.map(|read| &read.head)
}

/// The datagram it began with: the request, or the message that nobody asked for.
#[must_use]
pub fn datagram(exchange: &Exchange) -> Option<&Datagram> {
    let request = exchange.request.as_ref().map(|request| &request.datagram);
    request.or_else(|| Some(&exchange.queued.first()?.message.datagram))
}

/// The negative errno of what went wrong, if it is known: what `sendmsg()` returned, else the
/// first error among the replies, of a lost reply, or of a failed read.
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
