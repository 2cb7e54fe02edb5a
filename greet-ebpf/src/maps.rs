// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The maps: what user space reads, and what the programs keep for each other.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, PerCpuArray, RingBuf},
};

use greet_common::call::{CALL_SLOTS, Call};

/// Size of the ring buffer, in bytes, unless user space asks for another.
const RECORDS_SIZE: u32 = 2 << 20;
/// User space makes it larger where a command is watched.
const FAMILY_SIZE: u32 = 1;

/// The records, in the order in which their space was reserved.
#[map]
pub static RECORDS: RingBuf = RingBuf::with_byte_size(RECORDS_SIZE, 0);

/// How many records could not be handed over, per CPU.
#[map]
pub static DROPPED: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

/// The calls that are under way: see [`crate::call`].
#[map]
pub static CALLS: Array<Call> = Array::with_max_entries(CALL_SLOTS, 0);

/// The processes of a watched command: itself and its descendants, and for the moment of
/// its start whoever starts it. See `filter::MEMBER`.
#[map]
pub static FAMILY: HashMap<u32, u32> = HashMap::with_max_entries(FAMILY_SIZE, 0);
