// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The one way to user space: reserve, fill, submit; every loss is counted.

use core::mem::MaybeUninit;

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

#[inline(always)]
fn count_drop() {
    if let Some(dropped) = DROPPED.get_ptr_mut(0) {
        #[expect(unsafe_code, reason = "aya gives the map's value as a raw pointer")]
        // SAFETY: the pointer is into this CPU's own value, and programs do not migrate.
        unsafe {
            *dropped += 1;
        }
    }
}
