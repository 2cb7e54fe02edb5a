// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel functions that receive netlink messages.

use std::collections::BTreeMap;

use greet_common::wire::NETLINK_TEST_PROTOCOL;

use crate::{
    kernel::{TracerError, checks::function_like, has_function},
    sockets::{KernelSocket, SocketsError},
};

/// The greeting module's receive callback, known in advance.
const GREETING: &str = "netlink_recv_msg_fn";

/// Which receive callbacks to attach to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callbacks {
    /// The named ones.
    Named(Vec<String>),
    /// Those that the kernel's socket table holds for the watched protocols.
    Found {
        /// Whether to include those of the kernel itself, not only those of modules.
        built_in: bool,
    },
}

/// A function that receives the messages of some protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Its name.
    pub symbol: String,
    /// The protocols, one bit each.
    pub protocols: u32,
}

impl Callbacks {
    /// Chooses the callbacks. `sockets` lists the kernel's sockets.
    ///
    /// # Errors
    /// [`TracerError`] if a named callback does not exist.
    pub(super) fn choose(
        &self,
        protocols: u32,
        sockets: impl FnOnce() -> Result<Vec<KernelSocket>, SocketsError>,
    ) -> Result<Vec<Callback>, TracerError> {
        match self {
            Self::Named(symbols) => named(symbols, protocols),
            Self::Found { built_in } => match sockets() {
                Ok(sockets) => Ok(found(sockets, protocols, *built_in)),
                Err(error) => {
                    log::warn!("the kernel's sockets cannot be listed: {error}");
                    known(protocols)
                }
            },
        }
    }
}

fn named(symbols: &[String], protocols: u32) -> Result<Vec<Callback>, TracerError> {
    let named = symbols.iter().map(|symbol| {
        if has_function(symbol)? {
            Ok(Callback {
                symbol: symbol.clone(),
                protocols,
            })
        } else {
            Err(TracerError::NoCallback {
                callback: symbol.clone(),
                nearest: function_like(symbol)?,
            })
        }
    });
    named.collect()
}

/// Each network namespace has its own socket, but the function is the same, and some functions
/// receive for several protocols.
fn found(sockets: Vec<KernelSocket>, protocols: u32, built_in: bool) -> Vec<Callback> {
    let mut symbols = BTreeMap::new();
    for socket in sockets {
        let protocol = 1 << (socket.protocol & 31);
        if let Some(callback) = socket.callback
            && callback.is_named()
            && protocols & protocol != 0
            && (built_in || callback.module.is_some())
        {
            *symbols.entry(callback.symbol).or_insert(0) |= protocol;
        }
    }
    let callbacks = symbols.into_iter();
    callbacks
        .map(|(symbol, protocols)| Callback { symbol, protocols })
        .collect()
}

fn known(protocols: u32) -> Result<Vec<Callback>, TracerError> {
    let greetings = 1 << NETLINK_TEST_PROTOCOL;
    let known = protocols & greetings != 0 && has_function(GREETING)?;
    let callback = known.then(|| Callback {
        symbol: GREETING.to_owned(),
        protocols: greetings,
    });
    Ok(callback.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets;

    fn socket(protocol: u32, netns: u32, symbol: &str, module: Option<&str>) -> KernelSocket {
        KernelSocket {
            protocol,
            netns,
            callback: Some(sockets::Callback {
                address: 0xffff_ffff_8100_0000,
                symbol: symbol.to_owned(),
                module: module.map(str::to_owned),
            }),
        }
    }

    #[test]
    fn modules_callbacks_are_found_and_the_kernels_on_request() {
        let sockets = || {
            vec![
                socket(0, 1, "rtnetlink_rcv", None),
                socket(31, 1, "netlink_recv_msg_fn", Some("NetlinkGreetingsLKM")),
                socket(31, 2, "netlink_recv_msg_fn", Some("NetlinkGreetingsLKM")),
                socket(17, 1, "other", Some("other_module")),
                socket(18, 1, "other", Some("other_module")),
                socket(19, 1, "0xffffffffc0001000", Some("nameless")),
            ]
        };
        let symbols = |found: Vec<Callback>| -> Vec<_> {
            let found = found.into_iter();
            found.map(|found| (found.symbol, found.protocols)).collect()
        };
        assert_eq!(
            symbols(found(sockets(), u32::MAX, false)),
            [
                ("netlink_recv_msg_fn".to_owned(), 1 << 31),
                ("other".to_owned(), 1 << 17 | 1 << 18),
            ]
        );
        assert_eq!(
            symbols(found(sockets(), 1, true)),
            [("rtnetlink_rcv".to_owned(), 1)]
        );
        assert!(found(sockets(), 1, false).is_empty());
    }
}
