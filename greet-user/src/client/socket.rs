// SPDX-License-Identifier: MIT OR Apache-2.0
//! A netlink socket to the kernel.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd},
};

use greet_common::wire::HEADER_SIZE;
use greet_trace::clock::monotonic_ns;
use neli::{
    consts::socket::{Msg, NlFamily},
    socket::NlSocket,
    utils::Groups,
};
use rustix::{
    io::Errno,
    net::{RecvFlags, netlink::SocketAddrNetlink, recvfrom, sockopt::socket_send_buffer_size},
};
use tokio::io::{Interest, unix::AsyncFd};

use super::ClientError;

/// Receive buffer size in bytes. The module's reply has 272; a longer datagram is truncated and
/// then rejected because of its length.
const RECEIVE_SIZE: usize = 8192;
/// What the kernel reserves in a send buffer (`netlink_sendmsg()`), in bytes.
const SEND_RESERVE: usize = 32;

/// A bound netlink socket.
///
/// It wraps neli's plain `NlSocket` in tokio's `AsyncFd`, which is all that neli's asynchronous
/// handle does, but that one gives no access to the sender's address.
pub struct ClientSocket {
    io: AsyncFd<NlSocket>,
    protocol: u32,
    portid: u32,
    next_seq: u32,
}

/// A datagram as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Port ID of the sender, set by the kernel and not by the sender.
    pub sender_portid: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Time of receipt in user space: CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
}

impl ClientSocket {
    /// Opens and binds a socket; the kernel chooses the port ID.
    ///
    /// # Errors
    /// [`ClientError::NoProtocol`] if no kernel socket serves the protocol.
    pub fn open(protocol: u32) -> Result<Self, ClientError> {
        let system = |call| move |error| ClientError::System { call, error };
        let family = i32::try_from(protocol).map_or(-1, |number| number);
        let socket = NlSocket::connect(NlFamily::from(family), None, Groups::empty())
            .map_err(|error| ClientError::open(protocol, error))?;
        socket.nonblock().map_err(system("fcntl"))?;
        let portid = socket.pid().map_err(system("getsockname"))?;
        #[expect(
            unsafe_code,
            reason = "tokio cannot see that the descriptor stays open"
        )]
        // SAFETY: `NlSocket` owns its descriptor and closes it only when dropped.
        let io = unsafe { AsyncFd::register(socket) }
            .map_err(|error| system("epoll_ctl")(error.into()))?;
        Ok(Self {
            io,
            protocol,
            portid,
            next_seq: 1,
        })
    }

    /// The port ID assigned by the kernel.
    #[must_use]
    pub const fn portid(&self) -> u32 {
        self.portid
    }

    /// The netlink protocol.
    #[must_use]
    pub const fn protocol(&self) -> u32 {
        self.protocol
    }

    pub(super) const fn next_seq(&mut self) -> u32 {
        let seq = self.next_seq;
        self.next_seq = seq.wrapping_add(1);
        seq
    }

    /// Sends one datagram to the kernel; returns the time just before.
    pub(super) async fn send(&self, message: &[u8], payload: usize) -> Result<u64, ClientError> {
        let mut time_ns = 0;
        let sent = self.io.async_io(Interest::WRITABLE, |socket| {
            time_ns = monotonic_ns();
            socket.send(message, Msg::empty())
        });
        match sent.await {
            Ok(_) => Ok(time_ns),
            Err(error) => Err(match Errno::from_io_error(&error) {
                Some(Errno::CONNREFUSED) => ClientError::NobodyListens {
                    protocol: self.protocol,
                },
                Some(Errno::MSGSIZE) => ClientError::TooLong {
                    payload,
                    limit: self.payload_limit(),
                },
                _ => ClientError::System {
                    call: "sendmsg",
                    error,
                },
            }),
        }
    }

    /// Receives the next datagram from the queue.
    ///
    /// neli's `recv` returns multicast groups but not the sender's port ID, without which anyone
    /// allowed to send could pass for the kernel; so this calls `recvfrom()` directly.
    ///
    /// # Errors
    /// [`ClientError::QueueOverflow`] if replies were lost.
    pub async fn receive(&self) -> Result<Received, ClientError> {
        let received = self.io.async_io(Interest::READABLE, |socket| {
            let mut bytes = vec![0; RECEIVE_SIZE];
            let (filled, _, sender) =
                recvfrom(borrow(socket), bytes.as_mut_slice(), RecvFlags::DONTWAIT)?;
            let time_ns = monotonic_ns();
            bytes.truncate(filled);
            let sender = sender.ok_or(io::ErrorKind::InvalidData)?;
            Ok(Received {
                sender_portid: SocketAddrNetlink::try_from(sender)?.pid(),
                bytes,
                time_ns,
            })
        });
        received.await.map_err(ClientError::receive)
    }

    /// The longest payload that fits into the send buffer, in bytes.
    fn payload_limit(&self) -> usize {
        let buffer = socket_send_buffer_size(borrow(self.io.get_ref())).unwrap_or(0);
        buffer.saturating_sub(SEND_RESERVE + HEADER_SIZE)
    }
}

/// Borrows the socket's descriptor for as long as the socket lives.
fn borrow(socket: &NlSocket) -> BorrowedFd<'_> {
    #[expect(
        unsafe_code,
        reason = "neli gives its descriptor as a bare number only"
    )]
    // SAFETY: the descriptor stays open as long as `socket`, which provides the lifetime.
    unsafe {
        BorrowedFd::borrow_raw(socket.as_raw_fd())
    }
}
