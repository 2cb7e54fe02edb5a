// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! What is reported of a socket.
#![expect(
    unsafe_code,
    reason = "records are written in place, in the ring buffer"
)]

use aya_ebpf::helpers::generated::bpf_snprintf;
use greet_common::socket::{GROUP_WORDS, SYMBOL_SIZE, Socket, SocketRecordKind, Symbol};

use super::{
    layout::{
        NETLINK_SOCK_GROUPS, NETLINK_SOCK_NGROUPS, NETLINK_SOCK_RCV, SOCK_DROPS, SOCK_RCVBUF,
        SOCK_RMEM, SOCK_SOCKET, SOCKET_INODE,
    },
    number,
};
use crate::{
    emit::emit,
    read::{Fault, Probed, Sock},
};

/// The kernel's own way of naming an address, with offset, size and module. Not from
/// /proc/kallsyms: the text of all symbols takes tens of milliseconds.
static SYMBOL_FORMAT: [u8; 4] = *b"%pS\0";

/// Reports a socket, preceded by its callback's name unless that was the last one `named`.
#[inline(always)]
pub fn socket(sock: Sock, protocol: u32, named: &mut u64) -> Result<(), Fault> {
    let address = sock.0 as u64;
    let callback = number::<u64>(address, NETLINK_SOCK_RCV.load())?;
    if callback != 0 && callback != *named {
        symbol(callback)?;
        *named = callback;
    }
    emit::<Socket>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written.
        unsafe {
            (&raw mut (*to).kind).write(SocketRecordKind::Socket as u32);
            (&raw mut (*to).protocol).write(protocol);
            (&raw mut (*to).sock).write(address);
            (&raw mut (*to).callback).write(callback);
            (&raw mut (*to).inode).write(inode(address)?);
            (&raw mut (*to).netns).write(sock.netns::<Probed>()?);
            (&raw mut (*to).portid).write(sock.portid()?);
            (&raw mut (*to).kernels).write(sock.is_kernels::<Probed>()?.into());
            (&raw mut (*to).rmem).write(number(address, SOCK_RMEM.load())?);
            (&raw mut (*to).rcvbuf).write(number(address, SOCK_RCVBUF.load())?);
            (&raw mut (*to).drops).write(number(address, SOCK_DROPS.load())?);
            (&raw mut (*to).padding).write(0);
            let groups = number::<u64>(address, NETLINK_SOCK_GROUPS.load())?;
            let count = match groups {
                0 => 0,
                _ => number::<u32>(address, NETLINK_SOCK_NGROUPS.load())?,
            };
            (&raw mut (*to).group_count).write(count);
            for word in 0..GROUP_WORDS {
                // Words beyond the bitmap belong to something else.
                let bits = if count as usize > word * 64 {
                    number::<u64>(groups, word as u64 * 8)?
                } else {
                    0
                };
                (&raw mut (*to).groups[word]).write(bits);
            }
        }
        Ok(())
    })
}

/// The socket's inode number; 0 if its file is already closed.
#[inline(always)]
fn inode(sock: u64) -> Result<u64, Fault> {
    match number::<u64>(sock, SOCK_SOCKET.load())? {
        0 => Ok(0),
        socket => number(socket, SOCKET_INODE.load()),
    }
}

#[inline(always)]
fn symbol(mut address: u64) -> Result<(), Fault> {
    emit::<Symbol>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written. The format
        // takes one number and ends with a NUL; the helper ends the text with one.
        let needed = unsafe {
            (&raw mut (*to).kind).write(SocketRecordKind::Symbol as u32);
            (&raw mut (*to).address).write(address);
            bpf_snprintf(
                (&raw mut (*to).text).cast(),
                SYMBOL_SIZE as u32,
                (&raw const SYMBOL_FORMAT).cast(),
                &raw mut address,
                8,
            )
        };
        if needed < 0 {
            return Err(Fault(needed));
        }
        // SAFETY: as above.
        unsafe { (&raw mut (*to).needed).write(needed as u32) };
        Ok(())
    })
}
