// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine's netlink sockets, and which functions of the kernel receive from them.
//!
//! [`list`] has all that the kernel knows, from a walk through its own table ([`walk`], all
//! network namespaces), and the processes that hold each (`process`). Where that is not
//! possible it has what the kernel tells everyone (`proc_net`, one namespace) and says
//! what is missing. [`kernel_callbacks`] is for the tracer, which attaches to them.

mod error;
mod json;
pub mod layout;
mod proc_net;
mod process;
mod records;
mod table;
pub mod walk;

use std::io::{self, Write};

use crate::notice;

pub use error::SocketsError;
pub use process::{Process, holder};

/// A netlink socket that has a port ID: one that was neither bound nor sent from is in no
/// table of the kernel's, and in no list of any tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Netlink protocol.
    pub protocol: u32,
    /// Port ID; 0: the kernel.
    pub portid: u32,
    /// Inode number of the network namespace; `None` where the kernel did not tell.
    pub netns: Option<u32>,
    /// Is it the kernel's end?
    pub is_kernels: bool,
    /// Multicast groups that it listens to, lowest first.
    pub groups: Vec<u32>,
    /// Memory that the messages in the receive queue take, bytes.
    pub rmem: u32,
    /// How much they may take, bytes; `None` where the kernel did not tell.
    pub rcvbuf: Option<u32>,
    /// Messages that were lost.
    pub drops: u32,
    /// Inode number, as in `/proc/PID/fd`; 0 where there is none.
    pub inode: u64,
    /// What the kernel calls when a message is sent to it: kernel sockets only.
    pub callback: Option<Callback>,
    /// Who holds it; empty where that is not known.
    pub processes: Vec<Process>,
}

/// A function of the kernel that receives messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Where it begins.
    pub address: u64,
    /// Its name; the address in hexadecimal where the kernel has none for it.
    pub symbol: String,
    /// The module that it is in; `None` for the kernel itself.
    pub module: Option<String>,
}

impl Callback {
    /// Does the kernel know its name? Only then can it be attached to by name.
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
    /// Why this is not all, where it is not.
    pub missing: Option<SocketsError>,
}

/// Lists the machine's netlink sockets.
///
/// # Errors
/// [`SocketsError`] where not even the kernel's own list can be read.
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
/// [`SocketsError`]: what is missing, or what the kernel said.
pub fn kernel_callbacks() -> Result<Vec<KernelSocket>, SocketsError> {
    walk::alone().map(kernels)
}

/// Those of the kernel among the sockets that a walk has found.
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

/// Writes the list to standard output, as a table or as JSON lines. What is missing is
/// said on standard error.
///
/// # Errors
/// [`SocketsError`] where there is no list, or nobody reads it.
pub fn show(as_json: bool) -> Result<(), SocketsError> {
    let listing = list()?;
    let mut text = Vec::new();
    let written = if as_json {
        json::write(&mut text, &listing.sockets)
    } else {
        table::write(&mut text, &listing.sockets)
    };
    written.map_err(SocketsError::Write)?;
    put(&text).map_err(SocketsError::Write)?;
    if let Some(error) = listing.missing {
        notice::say(format_args!(
            "greet-user: the callbacks, the other network namespaces and receive buffers are \
             missing: {error}"
        ));
    }
    Ok(())
}

fn put(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}
