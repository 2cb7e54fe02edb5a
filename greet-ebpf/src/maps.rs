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
/// User space enlarges it if a command is traced.
const FAMILY_SIZE: u32 = 1;
/// How many functions of a stack are examined.
pub const STACK_DEPTH: usize = 64;

/// The records, in the order in which their space was reserved.
#[map]
pub static RECORDS: RingBuf = RingBuf::with_byte_size(RECORDS_SIZE, 0);

/// How many records were dropped, per CPU.
#[map]
pub static DROPPED: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

/// The calls in progress: see [`crate::call`].
#[map]
pub static CALLS: Array<Call> = Array::with_max_entries(CALL_SLOTS, 0);

/// The processes of a traced command: itself and its descendants, and, while it is being started,
/// its parent. See `filter::MEMBER`.
#[map]
pub static FAMILY: HashMap<u32, u32> = HashMap::with_max_entries(FAMILY_SIZE, 0);

/// What the programs on tracepoints need to know of this kernel.
#[map]
pub static TRACEPOINT_CONFIG: Array<TracepointConfig> = Array::with_max_entries(1, 0);

/// Room for the running task's stack trace: a program's own stack is too small for it.
#[map]
pub static STACK: PerCpuArray<[u64; STACK_DEPTH]> = PerCpuArray::with_max_entries(1, 0);

/// What a socket remembers of its receive queue.
#[repr(C)]
pub struct QueueState {
    /// The buffer that `queue_tp` reported last; 0 if it was taken out.
    pub buffer: u64,
    /// For how many more messages the sending task is uncertain.
    pub doubt: u64,
}

/// What each socket remembers for its lifetime. Such maps are described in the object's BTF, as the
/// kernel requires.
#[btf_map]
pub static QUEUE_STATES: SkStorage<QueueState> = SkStorage::new();
