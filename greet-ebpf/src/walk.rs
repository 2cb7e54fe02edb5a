// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A walk through `nl_table`, the kernel's table of all netlink sockets: one resizable
//! hash table (`include/linux/rhashtable.h`) for each of the 32 protocols.
//!
//! The kernel holds the RCU read lock around the program, so neither sockets nor tables are freed
//! while it runs. Sockets come and go in the meantime, as in any such walk. If a table is being
//! resized, it is walked first, then its successor: an entry moves from the end of its chain to the
//! front of one there, so a walk that is at a moved entry continues in the other table and misses
//! none. A socket can thus be seen twice; user space identifies it by its address.
#![expect(unsafe_code, reason = "kernel memory is reached through raw pointers")]

pub mod layout;
mod report;

use core::ffi::{c_long, c_void};

use aya_ebpf::{helpers::generated::bpf_loop, macros::map, maps::Array};
use greet_common::socket::{End, SocketRecordKind};

use crate::{
    emit::count_drop,
    maps::RECORDS,
    read::{Fault, Memory, Probed, Sock},
};
use layout::{
    BUCKETS_FUTURE, BUCKETS_HEADS, BUCKETS_NEST, BUCKETS_SIZE, NETLINK_SOCK_NODE,
    NETLINK_TABLE_HASH, NETLINK_TABLE_SIZE, RHASHTABLE_TBL, SEQ_ITER_HT, SEQ_ITER_LINK,
};

/// `MAX_LINKS` (include/uapi/linux/netlink.h).
const PROTOCOLS: u32 = 32;
/// Steps until a walk gives up: a socket or a bucket takes one. A million sockets fit.
const MOST_STEPS: u32 = 1 << 22;
/// An entry's address is even. The lowest bit of a bucket's head is its lock …
const LOCK: u64 = 1;
/// … and the lowest bit of an entry's `next` says that there is none.
const NO_MORE: u64 = 1;

/// The state of the walk. It is in a map, where the verifier does not know its numbers: if they
/// were on the stack, it would follow them through every step of the loop and give up after a
/// million instructions. One is enough, because user space reads once.
#[map]
static WALK: Array<Walk> = Array::with_max_entries(1, 0);

/// See [`WALK`].
#[repr(C)]
pub struct Walk {
    /// The read being served (`bpf_iter_meta.session_id`).
    session: u64,
    /// `nl_table`.
    tables: u64,
    /// The `struct bucket_table` being walked; 0 for none.
    buckets: u64,
    /// The next `struct rhash_head` of the chain, or no entry.
    next: u64,
    /// The last callback that was named.
    named: u64,
    /// How many protocols were started.
    protocols: u32,
    /// Buckets of the table …
    size: u32,
    /// … and how many of them were started.
    slot: u32,
    end: End,
}

/// A number from kernel memory.
#[inline(always)]
fn number<T: Copy + Into<u64>>(address: u64, offset: u64) -> Result<T, Fault> {
    // SAFETY: `T` is one of the unsigned integers, for which any bits are a value.
    unsafe { Probed::read::<T>(address as *const u8, offset) }
}

impl Walk {
    /// Walks all tables, unless that was already done in this session. `state` is a
    /// `struct nl_seq_iter` that has been started.
    #[inline(always)]
    pub fn through_all(session: u64, state: *const u8) {
        let Some(walk) = Self::current() else {
            return;
        };
        if walk.session == session {
            return;
        }
        *walk = Self {
            session,
            tables: 0,
            buckets: 0,
            next: NO_MORE,
            named: 0,
            protocols: 0,
            size: 0,
            slot: 0,
            end: End {
                kind: SocketRecordKind::End as u32,
                ..End::default()
            },
        };
        match tables(state as u64) {
            Ok(tables) => {
                walk.tables = tables;
                // SAFETY: `step` has the signature that the helper calls, and needs no context.
                unsafe { bpf_loop(MOST_STEPS, step as *mut c_void, core::ptr::null_mut(), 0) };
            }
            Err(fault) => walk.fault(fault),
        }
        if RECORDS.output::<End>(&walk.end, 0).is_err() {
            count_drop();
        }
    }

    #[inline(always)]
    fn current() -> Option<&'static mut Self> {
        // SAFETY: the map's only value is used by the program of the only reader, and in the loop
        // only by `step`, which ends before `through_all` looks at it again.
        WALK.get_ptr_mut(0).map(|walk| unsafe { &mut *walk })
    }

    /// One entry, or else one bucket, or else one table.
    #[inline(always)]
    fn advance(&mut self) -> Result<(), Fault> {
        if self.next != 0 && self.next & NO_MORE == 0 {
            let node = self.next;
            self.next = NO_MORE;
            // Before the rest is read: if that fails, only this entry is lost, not the chain.
            self.next = number::<u64>(node, 0)?;
            self.end.sockets += 1;
            let sock = Sock((node - NETLINK_SOCK_NODE.load()) as *const u8);
            return report::socket(sock, self.protocols - 1, &mut self.named);
        }
        if self.slot < self.size {
            let head = BUCKETS_HEADS.load() + u64::from(self.slot) * 8;
            self.slot += 1;
            self.next = number::<u64>(self.buckets, head)? & !LOCK;
            return Ok(());
        }
        if self.buckets != 0 {
            let buckets = core::mem::replace(&mut self.buckets, 0);
            let future = number(buckets, BUCKETS_FUTURE.load())?;
            return self.enter(future);
        }
        if self.protocols < PROTOCOLS {
            let table = u64::from(self.protocols) * NETLINK_TABLE_SIZE.load();
            self.protocols += 1;
            let hash = table + NETLINK_TABLE_HASH.load();
            let buckets = number(self.tables, hash + RHASHTABLE_TBL.load())?;
            return self.enter(buckets);
        }
        self.end.complete = 1;
        Ok(())
    }

    #[inline(always)]
    fn enter(&mut self, buckets: u64) -> Result<(), Fault> {
        (self.buckets, self.size, self.slot) = (buckets, 0, 0);
        if buckets == 0 {
            return Ok(());
        }
        if number::<u32>(buckets, BUCKETS_NEST.load())? != 0 {
            self.end.nested += 1;
            return Ok(());
        }
        self.size = number(buckets, BUCKETS_SIZE.load())?;
        Ok(())
    }

    #[inline(always)]
    fn fault(&mut self, Fault(errno): Fault) {
        self.end.faults += 1;
        self.end.errno = errno as i32;
    }
}

/// The address of `nl_table`: that of the table the kernel's walk is in, less those before it.
#[inline(always)]
fn tables(state: u64) -> Result<u64, Fault> {
    let hash = number::<u64>(state, SEQ_ITER_HT.load())?;
    let before = u64::from(number::<u32>(state, SEQ_ITER_LINK.load())?);
    let offset = before * NETLINK_TABLE_SIZE.load() + NETLINK_TABLE_HASH.load();
    Ok(hash.wrapping_sub(offset))
}

/// Called by `bpf_loop` until it returns 1.
extern "C" fn step(_index: u64, _context: *mut c_void) -> c_long {
    let Some(walk) = Walk::current() else {
        return 1;
    };
    if let Err(fault) = walk.advance() {
        walk.fault(fault);
    }
    c_long::from(walk.end.complete != 0)
}
