// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The part of a datagram that does not fit into its record, if asked for (`--snaplen`): a record
//! that precedes it.
#![expect(
    unsafe_code,
    reason = "a record is written through a pointer to memory without a value"
)]

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use greet_common::event::{Continuation, REST_SIZES, RecordKind, RestHead};

use crate::{emit::count_drop, maps::RECORDS, read::Fault};

/// Which record the rest belongs to, as in [`RestHead`].
#[derive(Clone, Copy)]
pub struct RestKey {
    /// Address of the socket.
    pub sock: u64,
    /// Address of the buffer, or the number of a request's call.
    pub id: u64,
}

/// Emits the `len` bytes at `data`. Returns how many bytes user space will find: 0 if there was no
/// room, which is counted.
///
/// Because it is long, it is a separate function for the verifier too: records have one of a few
/// sizes, since the kernel must know the size when a program is loaded.
#[inline(never)]
pub fn emit(sock: u64, id: u64, data: u64, len: u64) -> u64 {
    let key = RestKey { sock, id };
    let [small, medium, large, huge] = REST_SIZES;
    let copied = if len <= small as u64 {
        emit_sized::<{ REST_SIZES[0] }>(key, data, len)
    } else if len <= medium as u64 {
        emit_sized::<{ REST_SIZES[1] }>(key, data, len)
    } else if len <= large as u64 {
        emit_sized::<{ REST_SIZES[2] }>(key, data, len)
    } else {
        emit_sized::<{ REST_SIZES[3] }>(key, data, len.min(huge as u64))
    };
    copied.unwrap_or_else(|_| {
        count_drop();
        0
    })
}

#[inline(always)]
fn emit_sized<const N: usize>(key: RestKey, data: u64, len: u64) -> Result<u64, Fault> {
    let Some(mut slot) = RECORDS.reserve::<Continuation<N>>(0) else {
        return Err(Fault(0));
    };
    // The minimum only repeats to the verifier what the caller chose the size by.
    let len = (len as u32).min(N as u32);
    let to = slot.as_mut_ptr();
    // SAFETY: `to` is valid for writes and aligned, and every field is written, `len` bytes of
    // `data`; the helper checks the address it reads.
    let copied = unsafe {
        (&raw mut (*to).head).write(RestHead {
            kind: RecordKind::Continuation as u32,
            len,
            sock: key.sock,
            id: key.id,
        });
        bpf_probe_read_kernel((&raw mut (*to).data).cast(), len, data as *const _)
    };
    if copied == 0 {
        slot.submit(0);
        Ok(u64::from(len))
    } else {
        slot.discard(0);
        Err(Fault(copied))
    }
}
