// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decodes the records written by the walk into sockets.

use std::collections::{HashMap, hash_map::Entry};

use greet_common::socket::{self, SYMBOL_SIZE, SocketRecordKind};
use zerocopy::FromBytes;

use super::{Callback, Socket, SocketsError};

/// The records received so far.
#[derive(Debug, Default)]
pub struct Records {
    sockets: Vec<Socket>,
    /// Index into `sockets` by address: the walk may visit a socket twice.
    places: HashMap<u64, usize>,
    names: HashMap<u64, Callback>,
    end: Option<socket::End>,
}

impl Records {
    /// Decodes the next record.
    ///
    /// # Errors
    /// [`SocketsError::Malformed`] if it is not a valid record.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), SocketsError> {
        let kind = bytes.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
        match kind {
            Some(kind) if kind == SocketRecordKind::Socket as u32 => {
                self.socket(&whole(bytes)?);
            }
            Some(kind) if kind == SocketRecordKind::Symbol as u32 => {
                let callback = callback(&whole(bytes)?);
                self.names.insert(callback.address, callback);
            }
            Some(kind) if kind == SocketRecordKind::End as u32 => {
                self.end = Some(whole(bytes)?);
            }
            _ => {
                return Err(SocketsError::Malformed {
                    length: bytes.len(),
                });
            }
        }
        Ok(())
    }

    /// Returns all sockets, if the walk saw all of them.
    ///
    /// # Errors
    /// [`SocketsError::Incomplete`] otherwise; `dropped` is the number of records that had no room.
    pub fn finish(self, dropped: u64) -> Result<Vec<Socket>, SocketsError> {
        let incomplete = |reason: String| Err(SocketsError::Incomplete { reason });
        let Some(end) = self.end else {
            return incomplete("its last record is missing".to_owned());
        };
        if end.faults > 0 {
            let error = std::io::Error::from_raw_os_error(end.errno.wrapping_neg());
            return incomplete(format!(
                "{} reads of its memory failed: {error}",
                end.faults
            ));
        }
        if end.nested > 0 {
            return incomplete(format!("{} of its tables are nested", end.nested));
        }
        if dropped > 0 {
            return incomplete(format!("there was no room for {dropped} records"));
        }
        if end.complete == 0 {
            return incomplete("the walk did not finish".to_owned());
        }
        Ok(self.sockets)
    }

    fn socket(&mut self, record: &socket::Socket) {
        let groups = record.groups.iter().zip(0..).flat_map(|(bits, word)| {
            let set = (0..64).filter(move |bit| bits >> bit & 1 != 0);
            set.map(move |bit| word * 64 + bit + 1)
        });
        let found = Socket {
            protocol: record.protocol,
            portid: record.portid,
            netns: Some(record.netns),
            is_kernels: record.kernels != 0,
            // Bits beyond the last group are meaningless.
            groups: groups
                .filter(|group| *group <= record.group_count)
                .collect(),
            rmem: record.rmem,
            rcvbuf: Some(record.rcvbuf),
            drops: record.drops,
            inode: record.inode,
            // The symbol record precedes its first use.
            callback: self.names.get(&record.callback).cloned(),
            processes: Vec::new(),
        };
        match self.places.entry(record.sock) {
            Entry::Occupied(place) => self.sockets[*place.get()] = found,
            Entry::Vacant(place) => {
                place.insert(self.sockets.len());
                self.sockets.push(found);
            }
        }
    }
}

/// A record of exactly the size of its type.
fn whole<T: FromBytes>(bytes: &[u8]) -> Result<T, SocketsError> {
    T::read_from_bytes(bytes).map_err(|_| SocketsError::Malformed {
        length: bytes.len(),
    })
}

fn callback(record: &socket::Symbol) -> Callback {
    let text = record.text.split(|byte| *byte == 0).next();
    let text = String::from_utf8_lossy(text.unwrap_or_default());
    let needed = usize::try_from(record.needed);
    let cut_off = needed.is_ok_and(|needed| needed > SYMBOL_SIZE);
    named(record.address, if cut_off { "" } else { &text })
}

/// Parses `name+0x0/0xsize [module]`, the format of the kernel's `%pS`. If the kernel knows no
/// function that starts at the address, the address is used as the name.
fn named(address: u64, text: &str) -> Callback {
    let (function, module) = match text.split_once(" [") {
        Some((function, module)) => (function, module.strip_suffix(']')),
        None => (text, None),
    };
    let symbol = match function.split_once("+0x0/") {
        Some((symbol, _size)) => symbol.to_owned(),
        None => format!("{address:#x}"),
    };
    Callback {
        address,
        symbol,
        module: module.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests;
