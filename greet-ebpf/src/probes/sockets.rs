// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! All netlink sockets of the machine, in all network namespaces, by one `read()`.
//!
//! An iterator over netlink sockets is called for each socket of the reader's network namespace
//! only. But its context has the state of the kernel's own walk, which points into `nl_table`,
//! where the sockets of all namespaces are: so at the first socket this program walks the tables
//! itself ([`crate::walk`]), and does nothing at the others. User space need not enter each
//! namespace (nor does it need CAP_SYS_ADMIN for that), and a namespace that no process and no
//! mount shows is not missed.
#![expect(unsafe_code, reason = "the context is a structure in the kernel")]

use crate::{
    read::{Fault, Memory, Probed},
    walk::{
        Walk,
        layout::{ITER_META_SEQ, ITER_META_SESSION, SEQ_PRIVATE},
    },
};

/// `struct bpf_iter__netlink` (net/netlink/af_netlink.c), part of the kernel's interface.
#[repr(C)]
pub struct Context {
    /// `struct bpf_iter_meta *`.
    meta: *const u8,
    /// `struct netlink_sock *`; null at the end.
    sk: *const u8,
}

/// Called once for each netlink socket of the reader's namespace, and once at the end.
#[expect(unsafe_code, reason = "aya has no macro for iterators")]
// SAFETY: the name is not used twice, and the section holds nothing but iterators.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/netlink")]
fn sockets(context: *const Context) -> i32 {
    // SAFETY: the kernel calls it with such a context.
    let meta = unsafe { (*context).meta };
    if let Ok((session, state)) = kernels_walk(meta) {
        Walk::through_all(session, state);
    }
    0
}

/// The number of this read, and the kernel's own walk (`struct nl_seq_iter`).
#[inline(always)]
fn kernels_walk(meta: *const u8) -> Result<(u64, *const u8), Fault> {
    // SAFETY: any bits are a number; an address is one until it is read through.
    unsafe {
        let session = Probed::read::<u64>(meta, ITER_META_SESSION.load())?;
        let seq = Probed::read::<*const u8>(meta, ITER_META_SEQ.load())?;
        Ok((session, Probed::read::<*const u8>(seq, SEQ_PRIVATE.load())?))
    }
}
