// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The maps: what user space reads, and what the programs keep for each other.

use aya_ebpf::{
    btf_maps::SkStorage,
    macros::{btf_map, map},
    maps::{Array, HashMap, PerCpuArray, RingBuf},
};

use greet_common::call::{CALL_SLOTS, Call, TracepointConfig};

/// Size of the ring buffer, in bytes, unless user space asks for another.
const RECORDS_SIZE: u32 = 2 << 20;
/// User space makes it larger where a command is watched.
const FAMILY_SIZE: u32 = 1;
/// How many functions of a stack are looked at.
pub const STACK_DEPTH: usize = 64;

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

/// What the programs on tracepoints need to know of this kernel.
#[map]
pub static TRACEPOINT_CONFIG: Array<TracepointConfig> = Array::with_max_entries(1, 0);

/// Room for the running task's stack: what a program has is too small for it.
#[map]
pub static STACK: PerCpuArray<[u64; STACK_DEPTH]> = PerCpuArray::with_max_entries(1, 0);

/// What a socket remembers of its receive queue.
#[repr(C)]
pub struct QueueState {
    /// The buffer that `queue_tp` told last; 0 if it was taken out.
    pub buffer: u64,
    /// For how many messages more it is not sure whose they are.
    pub doubt: u64,
}

/// What each socket remembers, as long as it lives. Such maps are described in the object's
/// BTF, as the kernel demands.
#[btf_map]
pub static QUEUE_STATES: SkStorage<QueueState> = SkStorage::new();
