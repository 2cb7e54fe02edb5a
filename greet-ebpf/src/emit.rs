// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The only way to user space: reserve, fill, submit; every drop is counted.
#![expect(unsafe_code, reason = "aya gives maps' memory as raw pointers")]

use core::mem::MaybeUninit;

use greet_common::event::{REQUEST_HEAD, REQUEST_ROOMS, Request};

use crate::{
    maps::{DROPPED, RECORDS},
    read::Fault,
};

/// Emits a record. `fill` writes it in place: a record would fill the 512 bytes of stack that a
/// program has.
///
/// # Errors
/// If `fill` fails. The record is then discarded and counted as dropped; a record for which there
/// is no room is also counted, but is not an error.
#[inline(always)]
pub fn emit<T: 'static>(
    fill: impl FnOnce(&mut MaybeUninit<T>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Some(mut slot) = RECORDS.reserve::<T>(0) else {
        count_drop();
        return Ok(());
    };
    match fill(&mut slot) {
        Ok(()) => {
            slot.submit(0);
            Ok(())
        }
        Err(fault) => {
            slot.discard(0);
            count_drop();
            Err(fault)
        }
    }
}

/// The same, but `fill` may find that there is nothing to report.
///
/// # Errors
/// As above.
#[inline(always)]
pub fn emit_if<T: 'static>(
    fill: impl FnOnce(&mut MaybeUninit<T>) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let Some(mut slot) = RECORDS.reserve::<T>(0) else {
        count_drop();
        return Ok(());
    };
    match fill(&mut slot) {
        Ok(true) => slot.submit(0),
        Ok(false) => slot.discard(0),
        Err(fault) => {
            slot.discard(0);
            count_drop();
            return Err(fault);
        }
    }
    Ok(())
}

/// Counts a record that user space will not get.
#[inline(always)]
pub fn count_drop() {
    if let Some(dropped) = DROPPED.get_ptr_mut(0) {
        // SAFETY: the pointer is into this CPU's own value, and programs do not migrate.
        unsafe {
            *dropped += 1;
        }
    }
}

/// Emits a request, in a record with room for the captured part of its datagram.
#[inline(always)]
pub fn emit_request(request: *const Request) {
    const SHORT: usize = REQUEST_HEAD + REQUEST_ROOMS[1];
    const FULL: usize = REQUEST_HEAD + REQUEST_ROOMS[2];
    // SAFETY: the request lies in a map's slot that belongs to the running task.
    let captured = unsafe { (*request).datagram.captured } as usize;
    if captured == 0 {
        emit_bytes::<REQUEST_HEAD>(request);
    } else if captured <= REQUEST_ROOMS[1] {
        emit_bytes::<SHORT>(request);
    } else {
        emit_bytes::<FULL>(request);
    }
}

/// Copies the first `N` bytes by loads and stores: the kernel's own way of copying a record
/// (`bpf_ringbuf_output`) costs more than twice as much.
#[inline(always)]
fn emit_bytes<const N: usize>(request: *const Request) {
    let Some(mut slot) = RECORDS.reserve::<Aligned<N>>(0) else {
        count_drop();
        return;
    };
    // SAFETY: both are valid for `N` bytes, aligned to 8, and do not overlap.
    unsafe {
        slot.as_mut_ptr()
            .copy_from_nonoverlapping(request.cast::<Aligned<N>>(), 1);
    }
    slot.submit(0);
}

/// Bytes aligned to 8.
#[repr(C, align(8))]
struct Aligned<const N: usize>([u8; N]);
