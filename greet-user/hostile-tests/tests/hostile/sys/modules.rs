// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading and unloading kernel modules.
//!
//! Not with insmod: busybox retries a refused load by other means, which hides the refusal.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Error};
use std::os::fd::AsRawFd as _;

/// `finit_module(2)`.
///
/// # Errors
/// Those of the call: the return value of the module's init function, `EEXIST` if it is loaded.
#[expect(unsafe_code, reason = "libc has no wrapper")]
pub fn load(path: &str, parameters: &str) -> io::Result<()> {
    let file = File::open(path)
        .unwrap_or_else(|error| panic!("{path} must be in the machine for this suite: {error}"));
    let parameters = CString::new(parameters).expect("parameters without NUL");
    // SAFETY: the string outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_finit_module,
            file.as_raw_fd(),
            parameters.as_ptr(),
            0,
        )
    };
    done(result)
}

/// `delete_module(2)`, without waiting.
///
/// # Errors
/// Those of the call: `EWOULDBLOCK` if the module is in use, `ENOENT` if it is not loaded.
#[expect(unsafe_code, reason = "libc has no wrapper")]
pub fn unload(name: &str) -> io::Result<()> {
    let name = CString::new(name).expect("a name without NUL");
    // SAFETY: the string outlives the call.
    done(unsafe { libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK) })
}

fn done(result: libc::c_long) -> io::Result<()> {
    if result == 0 {
        return Ok(());
    }
    Err(Error::last_os_error())
}
