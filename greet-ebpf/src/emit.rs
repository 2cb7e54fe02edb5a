// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The one way to user space: reserve, fill, submit; every loss is counted.
#![expect(unsafe_code, reason = "aya gives maps' memory as raw pointers")]

use core::mem::{MaybeUninit, offset_of};

use greet_common::event::{CAPTURE, Datagram, Request};

use crate::{
    maps::{DROPPED, RECORDS},
    read::Fault,
};

/// Hands a record over. `fill` writes it in place: a record would fill the
/// 512 bytes of stack that a program has.
///
/// # Errors
/// What `fill` ran into. The record is then discarded and counted as dropped; one
/// for which there is no room is counted too, and is no error.
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

/// One record less for user space.
#[inline(always)]
pub fn count_drop() {
    if let Some(dropped) = DROPPED.get_ptr_mut(0) {
        // SAFETY: the pointer is into this CPU's own value, and programs do not migrate.
        unsafe {
            *dropped += 1;
        }
    }
}

/// Hands a request over, as far as its datagram was captured.
#[inline(always)]
pub fn emit_request(request: *const Request) {
    const DATA: usize = offset_of!(Request, datagram) + offset_of!(Datagram, data);
    // SAFETY: the request lies in a map's slot that belongs to the running task. The
    // minimum only repeats to the verifier what `Skb::copy` has kept to.
    let bytes = unsafe {
        let captured = (*request).datagram.captured.min(CAPTURE as u32) as usize;
        core::slice::from_raw_parts(request.cast::<u8>(), DATA + captured)
    };
    if RECORDS.output::<[u8]>(bytes, 0).is_err() {
        count_drop();
    }
}
