// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one clock: CLOCK_MONOTONIC, which `bpf_ktime_get_ns()` reads too, so that timestamps taken
//! here and in the kernel can be subtracted from each other.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds of CLOCK_MONOTONIC.
#[must_use]
pub fn monotonic_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// CPU time used by this process, in nanoseconds. Async-signal-safe.
#[must_use]
pub fn processor_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// The time at which the monotonic clock read 0, in nanoseconds since 1970: added to a timestamp,
/// it gives the time of day.
#[must_use]
pub fn boot_time_unix_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Realtime)).saturating_sub(monotonic_ns())
}

/// Neither clock is ever negative.
fn nanoseconds(time: Timespec) -> u64 {
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}
