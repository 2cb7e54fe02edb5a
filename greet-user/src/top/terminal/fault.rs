// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals that a fault of this very program raises: a failed allocation and a double panic
//! (SIGABRT), an access to memory that is not there, an overflow of the stack. None of them
//! runs a destructor or the panic hook.
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

/// What is done, and what was done before: the standard library reports an overflow.
static CAUGHT: OnceLock<(fn(), [libc::sigaction; FAULTS.len()])> = OnceLock::new();

/// From now on `work` is done before such a signal ends the process. It must be
/// async-signal-safe.
pub(super) fn catch(work: fn()) {
    // SAFETY: a structure of numbers and addresses, for which zeros are valid.
    let mut before: [libc::sigaction; FAULTS.len()] = unsafe { zeroed() };
    for (number, before) in FAULTS.into_iter().zip(&mut before) {
        // SAFETY: both structures live as long as the calls need them.
        unsafe { libc::sigaction(number, ptr::null(), before) };
    }
    if CAUGHT.set((work, before)).is_err() {
        return;
    }
    for number in FAULTS {
        // SAFETY: as above; the handler has the prototype that SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void) = caught;
            action.sa_sigaction = handler as libc::sighandler_t;
            // An overflow has left no room on the thread's own stack.
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(number, &raw const action, ptr::null_mut());
        }
    }
}

/// Does the work, and lets the signal take its course: a fault happens again on return, what was
/// sent is sent again.
extern "C" fn caught(number: c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let Some((work, before)) = CAUGHT.get() else {
        return;
    };
    work();
    // SAFETY: the kernel hands over the structure; `before` holds what it gave us, and zeros are
    // the default action.
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
