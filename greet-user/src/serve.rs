// SPDX-License-Identifier: MIT OR Apache-2.0
//! Answers scrapes over HTTP, in its own thread: no client, however slow or strange, stops the
//! tracing or fills the memory.

mod accept;
mod address;
mod answer;
mod names;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    thread::{self, JoinHandle},
};

use tokio::{runtime::Builder, sync::oneshot};

pub use address::{Address, address};

use crate::output::Scrape;
use names::Names;

/// Answers until it is dropped.
pub struct Server {
    address: SocketAddr,
    /// Dropping it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts answering at this address (port 0 means any free port), and to these names in
    /// addition to those that every machine has.
    ///
    /// # Errors
    /// If the address is not available.
    pub fn start(address: SocketAddr, names: &[String], scrape: Scrape) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let names = Names::new(address.ip(), names);
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            // The traced machine comes first.
            if let Err(error) = rustix::process::setpriority_process(None, NICE) {
                log::warn!("the priority of scrapes cannot be lowered: {error}");
            }
            runtime.block_on(async {
                tokio::select! {
                    ended = accept::accept(listener, names, scrape) => {
                        if let Err(error) = ended {
                            log::warn!("scrapes cannot be answered any more: {error}");
                        }
                    }
                    _ = stopped => {}
                }
            });
        };
        let thread = thread::Builder::new().name("metrics".to_owned());
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread.spawn(serve)?),
        })
    }

    /// The address at which it answers.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What to do if an address is not available.
#[must_use]
pub fn next_step(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; choose another port (0 picks a free one), or stop the program that uses it \
             (`ss -ltnp` shows it)"
        }
        io::ErrorKind::AddrNotAvailable => "; name an address that this machine has (`ip address`)",
        io::ErrorKind::PermissionDenied => "; choose a port of 1024 or above",
        _ => "; name an address of this machine, or a port alone",
    }
}

/// Niceness of the thread, as in nice(1).
const NICE: i32 = 10;

impl Drop for Server {
    /// The port is free again when this returns.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::warn!("the thread that answers scrapes has failed");
        }
    }
}

#[cfg(test)]
mod tests;
