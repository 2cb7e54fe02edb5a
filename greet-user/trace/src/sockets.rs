// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine's netlink sockets, and the kernel functions that receive from them.
//!
//! [`list`] returns everything that the kernel knows, by walking its socket table ([`walk`], all
//! network namespaces), along with the processes that hold each socket (`process`). If that is not
//! possible, it returns what the kernel shows everyone (`proc_net`, one namespace) and says what is
//! missing. [`kernel_callbacks`] is for the tracer, which attaches to them.

mod error;
pub mod layout;
mod proc_net;
mod process;
mod records;
pub mod walk;

pub use error::SocketsError;
pub use process::{Process, holder};

/// A netlink socket that has a port ID: a socket that has been neither bound nor sent from is in no
/// kernel table, so no tool lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Netlink protocol.
    pub protocol: u32,
    /// Port ID; 0 for the kernel.
    pub portid: u32,
    /// Inode number of the network namespace; `None` if the kernel did not report it.
    pub netns: Option<u32>,
    /// Whether it is the kernel's end.
    pub is_kernels: bool,
    /// Multicast groups that it has joined, lowest first.
    pub groups: Vec<u32>,
    /// Memory used by the messages in the receive queue, in bytes.
    pub rmem: u32,
    /// Limit for that memory, in bytes; `None` if the kernel did not report it.
    pub rcvbuf: Option<u32>,
    /// Number of lost messages.
    pub drops: u32,
    /// Inode number, as in `/proc/PID/fd`; 0 if there is none.
    pub inode: u64,
    /// The function that the kernel calls for a message sent to this socket: kernel sockets only.
    pub callback: Option<Callback>,
    /// The processes that hold it; empty if unknown.
    pub processes: Vec<Process>,
}

/// A kernel function that receives messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Its address.
    pub address: u64,
    /// Its name; the address in hexadecimal if the kernel has no name for it.
    pub symbol: String,
    /// The module that contains it; `None` for the kernel itself.
    pub module: Option<String>,
}

impl Callback {
    /// Whether the kernel knows its name. Only then can it be attached to by name.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.symbol.starts_with("0x")
    }
}

/// The kernel's end of a netlink protocol in one network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelSocket {
    /// Netlink protocol.
    pub protocol: u32,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// The receive callback; `None` for a socket that only sends.
    pub callback: Option<Callback>,
}

/// All sockets that could be found.
#[derive(Debug)]
pub struct Listing {
    /// Sorted by namespace, protocol and port ID.
    pub sockets: Vec<Socket>,
    /// Why the list is incomplete, if it is.
    pub missing: Option<SocketsError>,
}

/// Lists the machine's netlink sockets.
///
/// # Errors
/// [`SocketsError`] if not even /proc/net/netlink can be read.
pub fn list() -> Result<Listing, SocketsError> {
    let (mut sockets, missing) = match walk::alone() {
        Ok(sockets) => (sockets, None),
        Err(error) => (proc_net::list()?, Some(error)),
    };
    process::find(&mut sockets);
    sockets.sort_by_key(|socket| (socket.netns, socket.protocol, socket.portid));
    Ok(Listing { sockets, missing })
}

/// Finds the kernel's own sockets and their callbacks.
///
/// # Errors
/// [`SocketsError`]: what is missing, or the kernel's error.
pub fn kernel_callbacks() -> Result<Vec<KernelSocket>, SocketsError> {
    walk::alone().map(kernels)
}

/// The kernel's own sockets among those found by a walk.
#[must_use]
pub fn kernels(sockets: Vec<Socket>) -> Vec<KernelSocket> {
    let kernels = sockets
        .into_iter()
        .filter(|socket| socket.is_kernels && socket.portid == 0);
    kernels
        .map(|socket| KernelSocket {
            protocol: socket.protocol,
            netns: socket.netns.unwrap_or(0),
            callback: socket.callback,
        })
        .collect()
}
