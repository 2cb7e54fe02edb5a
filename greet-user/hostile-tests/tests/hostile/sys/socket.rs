// SPDX-License-Identifier: MIT OR Apache-2.0
//! Netlink sockets of the greeting's protocol.

use std::io::{self, Error};
use std::mem::size_of;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use greet_common::wire::NETLINK_TEST_PROTOCOL;

/// `SOCK_RAW`.
pub const RAW: i32 = libc::SOCK_RAW;
/// `SOCK_DGRAM`.
pub const DATAGRAM: i32 = libc::SOCK_DGRAM;

const ADDRESS_SIZE: libc::socklen_t = size_of::<libc::sockaddr_nl>() as libc::socklen_t;

/// A socket; closed when dropped.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
}

impl Socket {
    /// `socket(2)`, with a port ID assigned by the kernel.
    ///
    /// # Errors
    /// Those of the call: `EPROTONOSUPPORT` if the module is not loaded.
    #[expect(unsafe_code, reason = "raw sockets are the point of this suite")]
    pub fn open(kind: i32) -> io::Result<Self> {
        let protocol = NETLINK_TEST_PROTOCOL.cast_signed();
        // SAFETY: no pointers.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind | libc::SOCK_CLOEXEC, protocol) };
        checked(fd)?;
        // SAFETY: a new descriptor with no other owner.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let socket = Self { fd };
        socket.bind()?;
        Ok(socket)
    }

    /// The descriptor's number, for tests that close it behind our back.
    pub fn number(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    #[expect(unsafe_code, reason = "raw sockets are the point of this suite")]
    fn bind(&self) -> io::Result<()> {
        let address = address(0, 0);
        // SAFETY: the address outlives the call and has the stated size.
        checked(unsafe { libc::bind(self.number(), (&raw const address).cast(), ADDRESS_SIZE) })
    }

    /// Accepts messages only from port `portid` from now on.
    ///
    /// # Errors
    /// `EPERM` without `CAP_NET_ADMIN`, for any port but 0.
    #[expect(unsafe_code, reason = "raw sockets are the point of this suite")]
    pub fn connect(&self, portid: u32) -> io::Result<()> {
        let address = address(portid, 0);
        // SAFETY: the address outlives the call and has the stated size.
        checked(unsafe { libc::connect(self.number(), (&raw const address).cast(), ADDRESS_SIZE) })
    }

    /// The port ID that the kernel assigned.
    #[expect(unsafe_code, reason = "raw sockets are the point of this suite")]
    pub fn port(&self) -> u32 {
        let mut address = address(0, 0);
        let mut size = ADDRESS_SIZE;
        // SAFETY: address and size outlive the call; the kernel writes at most `size` bytes.
        let result =
            unsafe { libc::getsockname(self.number(), (&raw mut address).cast(), &raw mut size) };
        checked(result).expect("an open socket has a name");
        address.nl_pid
    }

    /// Sends one datagram to the kernel. The callback has run when this returns.
    ///
    /// # Errors
    /// Those of `sendto(2)`.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.send_to(0, 0, bytes)
    }

    /// Sends one datagram to a port ID and to multicast groups.
    ///
    /// # Errors
    /// Those of `sendto(2)`: `EPERM` without `CAP_NET_ADMIN`, if either is not 0.
    #[expect(unsafe_code, reason = "raw sockets are the point of this suite")]
    pub fn send_to(&self, portid: u32, groups: u32, bytes: &[u8]) -> io::Result<()> {
        let address = address(portid, groups);
        // SAFETY: bytes and address outlive the call and have the stated sizes.
        let sent = unsafe {
            let to = (&raw const address).cast();
            libc::sendto(
                self.number(),
                bytes.as_ptr().cast(),
                bytes.len(),
                0,
                to,
                ADDRESS_SIZE,
            )
        };
        match usize::try_from(sent) {
            Err(_) => Err(Error::last_os_error()),
            Ok(sent) => {
                assert_eq!(sent, bytes.len(), "a datagram is sent whole");
                Ok(())
            }
        }
    }

    /// Takes one datagram from the receive queue: returns its length and its sender's port ID.
    ///
    /// # Errors
    /// `EAGAIN` if there is none, `ENOBUFS` if one was lost.
    #[expect(unsafe_code, reason = "raw sockets are the point of this suite")]
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, u32)> {
        let mut from = address(u32::MAX, 0);
        let mut size = ADDRESS_SIZE;
        // SAFETY: buffer, address and size outlive the call and have the stated sizes.
        let length = unsafe {
            let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
            let from = (&raw mut from).cast();
            let start = buffer.as_mut_ptr().cast();
            libc::recvfrom(
                self.number(),
                start,
                buffer.len(),
                flags,
                from,
                &raw mut size,
            )
        };
        let length = usize::try_from(length).map_err(|_| Error::last_os_error())?;
        Ok((length, from.nl_pid))
    }

    /// Sets `SO_RCVBUF` or `SO_SNDBUF`; the kernel doubles the value and enforces a minimum.
    #[expect(unsafe_code, reason = "raw sockets are the point of this suite")]
    pub fn set_buffer(&self, option: i32, bytes: i32) {
        let size = size_of::<i32>() as libc::socklen_t;
        // SAFETY: the value outlives the call and has the stated size.
        let result = unsafe {
            let value = (&raw const bytes).cast();
            libc::setsockopt(self.number(), libc::SOL_SOCKET, option, value, size)
        };
        checked(result).expect("setting a buffer's size");
    }
}

fn address(portid: u32, groups: u32) -> libc::sockaddr_nl {
    #[expect(unsafe_code, reason = "the C struct has padding and no constructor")]
    // SAFETY: only integers, for which all zeros is a valid value.
    let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
    address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    address.nl_pid = portid;
    address.nl_groups = groups;
    address
}

/// Converts a C return value to a `Result`.
pub fn checked(result: i32) -> io::Result<()> {
    if result < 0 {
        return Err(Error::last_os_error());
    }
    Ok(())
}
