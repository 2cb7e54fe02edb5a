// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The maps that user space reads.

use aya_ebpf::{
    macros::map,
    maps::{PerCpuArray, RingBuf},
};

/// Size of the ring buffer, in bytes: about 6,000 messages.
const RECORDS_SIZE: u32 = 2 << 20;

/// The records, in the order in which their space was reserved.
#[map]
pub static RECORDS: RingBuf = RingBuf::with_byte_size(RECORDS_SIZE, 0);

/// How many records could not be handed over, per CPU.
#[map]
pub static DROPPED: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);
