// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decodes the records written by the walk into sockets.

use std::{collections::HashMap, collections::hash_map::Entry, mem::offset_of};

use greet_common::socket::{self, GROUP_WORDS, SYMBOL_SIZE, SocketRecordKind};

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

/// Reads a field of a record, by its offset.
macro_rules! field {
    ($bytes:expr, $record:ty, $field:ident, $type:ty) => {
        number!($bytes, offset_of!($record, $field), $type)
    };
}
macro_rules! number {
    ($bytes:expr, $offset:expr, $type:ty) => {
        $bytes[$offset..]
            .first_chunk()
            .map_or(0, |bytes| <$type>::from_ne_bytes(*bytes))
    };
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
                self.socket(whole::<socket::Socket>(bytes)?);
            }
            Some(kind) if kind == SocketRecordKind::Symbol as u32 => {
                let callback = callback(whole::<socket::Symbol>(bytes)?);
                self.names.insert(callback.address, callback);
            }
            Some(kind) if kind == SocketRecordKind::End as u32 => {
                self.end = Some(end(whole::<socket::End>(bytes)?));
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

    fn socket(&mut self, bytes: &[u8]) {
        type Record = socket::Socket;
        let callback = field!(bytes, Record, callback, u64);
        let group_count = field!(bytes, Record, group_count, u32);
        let groups = (0..GROUP_WORDS).flat_map(|word| {
            let bits = number!(bytes, offset_of!(Record, groups) + word * 8, u64);
            let first = u32::try_from(word * 64).unwrap_or(0) + 1;
            (0..64)
                .filter(move |bit| bits >> bit & 1 != 0)
                .map(move |bit| first + bit)
        });
        let found = Socket {
            protocol: field!(bytes, Record, protocol, u32),
            portid: field!(bytes, Record, portid, u32),
            netns: Some(field!(bytes, Record, netns, u32)),
            is_kernels: field!(bytes, Record, kernels, u32) != 0,
            // Bits beyond the last group are meaningless.
            groups: groups.filter(|group| *group <= group_count).collect(),
            rmem: field!(bytes, Record, rmem, u32),
            rcvbuf: Some(field!(bytes, Record, rcvbuf, u32)),
            drops: field!(bytes, Record, drops, u32),
            inode: field!(bytes, Record, inode, u64),
            // The symbol record precedes its first use.
            callback: self.names.get(&callback).cloned(),
            processes: Vec::new(),
        };
        match self.places.entry(field!(bytes, Record, sock, u64)) {
            Entry::Occupied(place) => self.sockets[*place.get()] = found,
            Entry::Vacant(place) => {
                place.insert(self.sockets.len());
                self.sockets.push(found);
            }
        }
    }
}

/// Checks that a record has exactly the size of its type.
fn whole<T>(bytes: &[u8]) -> Result<&[u8], SocketsError> {
    if bytes.len() == size_of::<T>() {
        Ok(bytes)
    } else {
        Err(SocketsError::Malformed {
            length: bytes.len(),
        })
    }
}

fn end(bytes: &[u8]) -> socket::End {
    type Record = socket::End;
    socket::End {
        kind: SocketRecordKind::End as u32,
        complete: field!(bytes, Record, complete, u32),
        sockets: field!(bytes, Record, sockets, u32),
        faults: field!(bytes, Record, faults, u32),
        nested: field!(bytes, Record, nested, u32),
        errno: field!(bytes, Record, errno, i32),
    }
}

fn callback(bytes: &[u8]) -> Callback {
    type Record = socket::Symbol;
    let text = &bytes[offset_of!(Record, text)..];
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let address = field!(bytes, Record, address, u64);
    let needed = field!(bytes, Record, needed, u32);
    let cut_off = usize::try_from(needed).is_ok_and(|needed| needed > SYMBOL_SIZE);
    named(address, if cut_off { "" } else { &text })
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
