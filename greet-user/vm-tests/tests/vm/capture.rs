// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's own tap: what nlmon shows of a network namespace, as tcpdump would capture it.

use std::{
    io::Error,
    mem::size_of,
    process::{Command, Stdio},
    thread,
};

use rustix::{
    fd::{AsRawFd as _, OwnedFd},
    net::{AddressFamily, SocketFlags, SocketType, netdevice::name_to_index, socket_with, sockopt},
    thread::{UnshareFlags, unshare_unsafe},
};

use crate::support::require_vm;

/// Room for everything that arrives before it is read: the kernel drops what does not fit.
const ROOM: usize = 64 << 20;
/// Longer than any netlink datagram.
const LONGEST: usize = 1 << 18;

/// Runs `body`, and anything that it starts, in a network namespace of its own. The namespace's
/// devices disappear along with it when all of them have ended.
#[expect(unsafe_code, reason = "rustix asks for a promise")]
pub fn in_own_namespace<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    require_vm();
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            // SAFETY: file descriptors stay shared.
            unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.expect("root may");
            body()
        });
        let done = worker.join();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Runs Debian's `ip`, not busybox's.
pub fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output();
    let output = output.expect("ip is in the machine");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments:?}: {said}");
}

/// Loads modules, if they are in the machine. Those built into this kernel are not, and modprobe
/// fails; if one is really missing, whatever needs it fails too.
pub fn modprobe(modules: &[&str]) {
    for module in modules {
        let mut modprobe = Command::new("modprobe");
        let modprobe = modprobe.arg(module).stderr(Stdio::null());
        modprobe.status().expect("busybox is there");
    }
}

/// A datagram, as seen by the tap.
#[derive(Debug)]
pub struct Packet {
    /// The netlink protocol.
    pub protocol: u32,
    /// The whole datagram.
    pub bytes: Vec<u8>,
}

/// An open tap.
pub struct Capture {
    socket: OwnedFd,
}

impl Capture {
    /// Creates `nlmon0` in this thread's namespace and captures from it.
    pub fn start() -> Self {
        modprobe(&["nlmon", "af_packet"]);
        ip(&["link", "add", "nlmon0", "type", "nlmon"]);
        ip(&["link", "set", "nlmon0", "up"]);
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // Without a protocol, it receives nothing until it is bound to a device.
        let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None);
        let socket = socket.expect("a packet socket");
        sockopt::set_socket_recv_buffer_size_force(&socket, ROOM).expect("root may");
        let capture = Self { socket };
        capture.bind();
        capture
    }

    #[expect(unsafe_code, reason = "rustix has no address of packet sockets")]
    fn bind(&self) {
        let index = name_to_index(&self.socket, "nlmon0").expect("it was made");
        let mut address = nobody();
        address.sll_protocol = u16::try_from(libc::ETH_P_ALL).expect("small").to_be();
        address.sll_ifindex = index.cast_signed();
        let from = (&raw const address).cast();
        // SAFETY: the address outlives the call and has the stated size.
        let result = unsafe { libc::bind(self.socket.as_raw_fd(), from, ADDRESS_SIZE) };
        assert_eq!(result, 0, "{}", Error::last_os_error());
    }

    /// Everything that was captured since it was opened. The kernel passes a datagram to the tap
    /// before queueing it for its reader, in the same call: whatever has been read is here.
    pub fn taken(self) -> Vec<Packet> {
        let mut packets = Vec::new();
        let mut buffer = vec![0; LONGEST];
        while let Some(packet) = self.next(&mut buffer) {
            packets.push(packet);
        }
        let (count, dropped) = self.statistics();
        assert_eq!(dropped, 0, "the capture itself lost some");
        assert_eq!(count, packets.len(), "and read all there were");
        packets
    }

    #[expect(unsafe_code, reason = "rustix has no address of packet sockets")]
    fn next(&self, buffer: &mut [u8]) -> Option<Packet> {
        let mut address = nobody();
        let mut size = ADDRESS_SIZE;
        // SAFETY: buffer, address and size outlive the call and have the stated sizes.
        let length = unsafe {
            libc::recvfrom(
                self.socket.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                libc::MSG_TRUNC,
                (&raw mut address).cast(),
                &raw mut size,
            )
        };
        let Ok(length) = usize::try_from(length) else {
            let error = Error::last_os_error();
            assert_eq!(error.raw_os_error(), Some(libc::EAGAIN), "{error}");
            return None;
        };
        Some(Packet {
            protocol: u16::from_be(address.sll_protocol).into(),
            bytes: buffer[..length].to_vec(),
        })
    }

    /// How many packets there were, and how many of them were dropped for lack of room.
    #[expect(unsafe_code, reason = "rustix has no such option")]
    fn statistics(&self) -> (usize, u32) {
        let mut found = libc::tpacket_stats {
            tp_packets: 0,
            tp_drops: 0,
        };
        let mut size = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: both outlive the call; the kernel writes at most `size` bytes.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut found).cast(),
                &raw mut size,
            )
        };
        assert_eq!(result, 0, "{}", Error::last_os_error());
        let count = usize::try_from(found.tp_packets).expect("few");
        (count, found.tp_drops)
    }
}

const ADDRESS_SIZE: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;

fn nobody() -> libc::sockaddr_ll {
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as libc::sa_family_t,
        sll_protocol: 0,
        sll_ifindex: 0,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    }
}
