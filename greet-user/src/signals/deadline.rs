// SPDX-License-Identifier: MIT OR Apache-2.0
//! A run that was asked to end does so in time, even if its thread is blocked: by a pipe, a FIFO
//! or a terminal that nobody reads. Everything here happens in signal handlers.
//!
//! ```text
//! first signal     the orderly end begins, if the thread is not blocked
//! 1 s later        standard output and error become /dev/null where they take nothing: the
//!                  blocked write goes on, and files and reports can still be closed
//! 3 s later        the process exits with 128 and the first signal's number, unless it is busy:
//!                  writing out what it still has may take longer
//! second signal    the same at once
//! ```

use std::{
    ffi::c_int,
    fs::OpenOptions,
    io,
    os::fd::IntoRawFd,
    sync::{
        Once, OnceLock,
        atomic::{AtomicI32, AtomicU64, Ordering::SeqCst},
    },
};

use crate::clock::{monotonic_ns, processor_ns};

/// Seconds from the first signal until blocked streams are given up.
const BLOCKED: u32 = 1;
/// Seconds from then until the process exits.
const LAST: u32 = 2;
/// Seconds that a busy process has until it is looked at again.
const AGAIN: u32 = 1;
/// Processor time since it was last looked at, in ns, from which on it is busy. A process that is
/// blocked uses next to none.
const BUSY: u64 = 50_000_000;
/// A signal that comes so soon after the first is the same request once more, as `timeout`, or a
/// shell and its terminal, send it; ns.
const SAME: u64 = 100_000_000;

/// The first signal's number; 0 before it.
static FIRST: AtomicI32 = AtomicI32::new(0);
/// When it came, ns.
static FIRST_NS: AtomicU64 = AtomicU64::new(0);
/// `/dev/null`; -1 once both streams were looked at, or where it could not be opened.
static NULL: AtomicI32 = AtomicI32::new(-1);
/// The process's own time when it was last looked at, ns.
static USED_NS: AtomicU64 = AtomicU64::new(0);
static ALARM: Once = Once::new();
/// The signals that set the deadline, a bit for each.
static SET_BY: AtomicU64 = AtomicU64::new(0);

/// What must be undone even then. Called in a signal handler: takes no lock, allocates nothing.
static LAST_WORK: [OnceLock<fn()>; 2] = [OnceLock::new(), OnceLock::new()];

/// Before the process exits, `work` is done as well. It must be async-signal-safe.
pub(crate) fn before_exit(work: fn()) {
    for place in &LAST_WORK {
        if place.get() == Some(&work) || place.set(work).is_ok() {
            return;
        }
    }
}

/// Was the process asked to end?
#[must_use]
pub fn is_set() -> bool {
    FIRST.load(SeqCst) != 0
}

/// From now on this signal sets the deadline.
///
/// # Errors
/// Where the kernel does not take the handler.
pub(super) fn set_by(number: c_int) -> io::Result<()> {
    let mut armed = Ok(());
    ALARM.call_once(|| {
        let null = OpenOptions::new().write(true).open("/dev/null");
        // Without it a blocked stream stays blocked, and the deadline holds all the same.
        NULL.store(null.map_or(-1, IntoRawFd::into_raw_fd), SeqCst);
        armed = register(libc::SIGALRM, alarm);
    });
    let bit = 1_u64 << (number - 1);
    if SET_BY.fetch_or(bit, SeqCst) & bit != 0 {
        return armed;
    }
    armed.and_then(|()| register(number, move || asked(number)))
}

#[expect(unsafe_code, reason = "a handler may do little")]
fn register(number: c_int, handler: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    // SAFETY: the handlers below use atomics and system calls alone.
    unsafe { signal_hook_registry::register(number, handler) }.map(drop)
}

fn asked(number: c_int) {
    if FIRST.compare_exchange(0, number, SeqCst, SeqCst).is_ok() {
        FIRST_NS.store(monotonic_ns(), SeqCst);
        wake_in(BLOCKED);
    } else if monotonic_ns().saturating_sub(FIRST_NS.load(SeqCst)) > SAME {
        exit();
    }
}

fn alarm() {
    if !is_set() {
        exit();
    }
    let used = processor_ns();
    let is_busy = used.saturating_sub(USED_NS.swap(used, SeqCst)) >= BUSY;
    let null = NULL.swap(-1, SeqCst);
    if null < 0 {
        if !is_busy {
            exit();
        }
        wake_in(AGAIN);
        return;
    }
    for stream in [libc::STDOUT_FILENO, libc::STDERR_FILENO] {
        if is_blocked(stream) {
            replace(stream, null);
        }
    }
    wake_in(LAST);
}

/// Is it something that may take a while, and takes nothing now?
#[expect(unsafe_code, reason = "async-signal-safe calls are libc's")]
fn is_blocked(stream: c_int) -> bool {
    let mut asked = libc::pollfd {
        fd: stream,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: the structure is one, and lives as long as the call.
    let ready = unsafe { libc::poll(&raw mut asked, 1, 0) };
    ready == 0
}

#[expect(unsafe_code, reason = "async-signal-safe calls are libc's")]
fn replace(stream: c_int, null: c_int) {
    // SAFETY: both are numbers; the write that was interrupted finds the new file when it is
    // begun anew.
    unsafe { libc::dup2(null, stream) };
}

#[expect(unsafe_code, reason = "async-signal-safe calls are libc's")]
fn wake_in(seconds: u32) {
    // SAFETY: it takes and returns a number.
    unsafe { libc::alarm(seconds) };
}

#[expect(unsafe_code, reason = "async-signal-safe calls are libc's")]
fn exit() -> ! {
    for work in LAST_WORK.iter().filter_map(OnceLock::get) {
        work();
    }
    let number = match FIRST.load(SeqCst) {
        0 => libc::SIGALRM,
        number => number,
    };
    // SAFETY: nothing runs after it.
    unsafe { libc::_exit(128 + number) }
}
