// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes sure that a run ends soon after a request to stop, even if its thread is blocked by a
//! pipe, a FIFO or a terminal that has no reader. Everything here happens in signal handlers.
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

use greet_trace::clock::{monotonic_ns, processor_ns};

/// Seconds from the first signal until blocked streams are abandoned.
const BLOCKED: u32 = 1;
/// Seconds from then until the process exits.
const LAST: u32 = 2;
/// Seconds until a busy process is checked again.
const AGAIN: u32 = 1;
/// CPU time since the last check above which the process counts as busy, in ns. A blocked process
/// uses next to none.
const BUSY: u64 = 50_000_000;
/// A signal this soon after the first repeats the same request, as `timeout` or a shell and its
/// terminal send it; ns.
const SAME: u64 = 100_000_000;

/// Number of the first signal; 0 until it arrives.
static FIRST: AtomicI32 = AtomicI32::new(0);
/// When it arrived, in ns.
static FIRST_NS: AtomicU64 = AtomicU64::new(0);
/// `/dev/null`; -1 once both streams have been checked, or if it could not be opened.
static NULL: AtomicI32 = AtomicI32::new(-1);
/// CPU time of the process at the last check, in ns.
static USED_NS: AtomicU64 = AtomicU64::new(0);
static ALARM: Once = Once::new();
/// The signals that set the deadline, one bit each.
static SET_BY: AtomicU64 = AtomicU64::new(0);

/// Cleanup that must happen even then. Called in a signal handler: takes no lock, allocates
/// nothing.
static LAST_WORK: [OnceLock<fn()>; 2] = [OnceLock::new(), OnceLock::new()];

/// Registers `work` to be run before the process exits. It must be async-signal-safe.
pub(crate) fn before_exit(work: fn()) {
    for place in &LAST_WORK {
        if place.get() == Some(&work) || place.set(work).is_ok() {
            return;
        }
    }
}

/// Whether the process was asked to stop.
#[must_use]
pub fn is_set() -> bool {
    FIRST.load(SeqCst) != 0
}

/// Makes this signal set the deadline from now on.
///
/// # Errors
/// If the kernel does not accept the handler.
pub(super) fn set_by(number: c_int) -> io::Result<()> {
    let mut armed = Ok(());
    ALARM.call_once(|| {
        let null = OpenOptions::new().write(true).open("/dev/null");
        // Without it, a blocked stream stays blocked, but the deadline still holds.
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
    // SAFETY: the handlers below use only atomics and system calls.
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

/// Whether the stream can block, and accepts nothing now.
#[expect(unsafe_code, reason = "async-signal-safe calls are libc's")]
fn is_blocked(stream: c_int) -> bool {
    let mut asked = libc::pollfd {
        fd: stream,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: there is one structure, and it outlives the call.
    let ready = unsafe { libc::poll(&raw mut asked, 1, 0) };
    ready == 0
}

#[expect(unsafe_code, reason = "async-signal-safe calls are libc's")]
fn replace(stream: c_int, null: c_int) {
    // SAFETY: both are numbers; the interrupted write finds the new file when it is restarted.
    unsafe { libc::dup2(null, stream) };
}

#[expect(unsafe_code, reason = "async-signal-safe calls are libc's")]
fn wake_in(seconds: u32) {
    // SAFETY: takes and returns a number.
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
