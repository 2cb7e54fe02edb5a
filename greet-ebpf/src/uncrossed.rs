// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A message that was never in an `sk_buff`: `sendmsg()` failed before that (`EMSGSIZE`, `ENODATA`,
//! …). Its end points and its length come from the socket and the call's arguments.
//!
//! Rare, so everything is read through helpers, and a call that succeeds pays nothing for it.
#![expect(
    unsafe_code,
    reason = "kernel memory and the call's slot are reached through raw pointers"
)]

use greet_common::event::Request;

use crate::{
    globals::{MSGHDR_NAME, MSGHDR_NAMELEN, NETLINK_SOCK_DST_PORTID, SOCKADDR_PORTID},
    read::{Fault, Memory, Probed, Sock},
};

/// The arguments of `netlink_sendmsg` that describe what was to be sent.
#[derive(Clone, Copy)]
pub struct Sending {
    /// Address of the `struct msghdr`.
    pub message: u64,
    /// Length of the datagram, bytes.
    pub len: u32,
}

/// Fills in the datagram that was not made.
///
/// # Safety
/// `request` must lie in the running task's slot, with its head filled.
#[inline(always)]
pub unsafe fn describe(request: *mut Request, sending: Sending) {
    // SAFETY: the caller guarantees the pointer.
    unsafe {
        let sock = Sock((*request).head.sock as *const u8);
        let datagram = &raw mut (*request).datagram;
        // What cannot be read is unknown: 0, as for a datagram that was not described.
        (*datagram).netns = sock.netns::<Probed>().unwrap_or(0);
        (*datagram).portid = sock.portid().unwrap_or(0);
        (*datagram).peer_portid = receiver(sending.message as *const u8, sock).unwrap_or(0);
        (*datagram).group = 0;
        (*datagram).len = sending.len;
        (*datagram).captured = 0;
        (*datagram).rest = 0;
    }
}

/// Port ID of the receiver, as `netlink_sendmsg` determines it: from the address, or else from the
/// connected socket.
#[inline(always)]
fn receiver(message: *const u8, sock: Sock) -> Result<u32, Fault> {
    // SAFETY: any bits are a number, and an address is one until it is read through.
    unsafe {
        if Probed::read::<u32>(message, MSGHDR_NAMELEN.load())? == 0 {
            return Probed::read::<u32>(sock.0, NETLINK_SOCK_DST_PORTID.load());
        }
        let name = Probed::read::<*const u8>(message, MSGHDR_NAME.load())?;
        Probed::read::<u32>(name, SOCKADDR_PORTID.load())
    }
}
