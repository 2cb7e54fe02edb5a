// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals raised by a fault of this program itself: a failed allocation or a double panic
//! (SIGABRT), an access to unmapped memory, a stack overflow. None of them runs a destructor or the
//! panic hook.
#![expect(unsafe_code, reason = "such signals are caught by libc's means alone")]

use std::{ffi::c_int, mem::zeroed, ptr, sync::OnceLock};

const FAULTS: [c_int; 7] = [
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSEGV,
    libc::SIGSYS,
    libc::SIGTRAP,
];

/// What to do, and what was done before: the standard library reports stack overflows.
static CAUGHT: OnceLock<(fn(), [libc::sigaction; FAULTS.len()])> = OnceLock::new();

/// From now on, `work` runs before such a signal ends the process. It must be async-signal-safe.
pub(super) fn catch(work: fn()) {
    // SAFETY: a structure of integers and addresses, for which all zeros is valid.
    let mut before: [libc::sigaction; FAULTS.len()] = unsafe { zeroed() };
    for (number, before) in FAULTS.into_iter().zip(&mut before) {
        // SAFETY: both structures outlive the calls.
        unsafe { libc::sigaction(number, ptr::null(), before) };
    }
    if CAUGHT.set((work, before)).is_err() {
        return;
    }
    for number in FAULTS {
        // SAFETY: as above; the handler has the prototype that SA_SIGINFO requires.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void) = caught;
            action.sa_sigaction = handler as libc::sighandler_t;
            // After a stack overflow, the thread's own stack has no room.
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(number, &raw const action, ptr::null_mut());
        }
    }
}

/// Does the work, and lets the signal take its course: a fault recurs on return, a sent signal is
/// sent again.
extern "C" fn caught(number: c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let Some((work, before)) = CAUGHT.get() else {
        return;
    };
    work();
    // SAFETY: the kernel passes a valid structure; `before` holds what the kernel gave us, and all
    // zeros is the default action.
    unsafe {
        let is_sent = (*info).si_code <= 0;
        let usual: libc::sigaction = zeroed();
        let at = FAULTS.iter().position(|fault| *fault == number);
        let action = match at {
            Some(at) if !is_sent => &before[at],
            _ => &usual,
        };
        libc::sigaction(number, action, ptr::null_mut());
        if is_sent {
            libc::raise(number);
        }
    }
}
