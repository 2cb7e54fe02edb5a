// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads and processes: unprivileged, in namespaces of their own, killed.

use std::io::{self, Error};
use std::thread;

use super::socket::{Socket, checked};
use crate::sys::RAW;

/// The unprivileged user and group.
const NOBODY: libc::c_long = 65534;

/// Drops root permanently, for this thread only.
///
/// The C library's functions would change all threads of the process, so these are raw system
/// calls.
#[expect(unsafe_code, reason = "libc's wrappers act on the whole process")]
pub fn become_nobody() {
    // SAFETY: only integers and an empty list of groups.
    let results = unsafe {
        [
            libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()),
            libc::syscall(libc::SYS_setresgid, NOBODY, NOBODY, NOBODY),
            libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY),
        ]
    };
    assert_eq!(results, [0; 3], "{}", Error::last_os_error());
    // Anything that needs CAP_NET_ADMIN must now be refused, such as sending to another port.
    if let Ok(socket) = Socket::open(RAW) {
        let refusal = socket
            .send_to(1, 0, b"x")
            .expect_err("no privileges are left");
        assert_eq!(refusal.raw_os_error(), Some(libc::EPERM));
    }
}

/// The kernel's ID of this thread.
#[expect(unsafe_code, reason = "a system call")]
pub fn thread_id() -> i32 {
    // SAFETY: no arguments.
    unsafe { libc::gettid() }
}

/// Runs `body` on a thread with a network namespace of its own, which ends with the thread.
///
/// # Errors
/// Those of `unshare(2)`.
pub fn in_new_namespace<T: Send>(body: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(libc::CLONE_NEWNET)?;
            Ok(body())
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Makes this process, which must be single-threaded, root of a user namespace and owner of a
/// network namespace, as in an unprivileged container.
///
/// # Errors
/// Those of `unshare(2)`.
pub fn in_new_user_namespace() -> io::Result<()> {
    unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET)
}

#[expect(unsafe_code, reason = "a system call")]
fn unshare(what: i32) -> io::Result<()> {
    // SAFETY: no pointers; the caller is responsible for what is no longer shared.
    checked(unsafe { libc::unshare(what) })
}

/// A child process.
#[derive(Debug)]
pub struct Child {
    pid: libc::pid_t,
}

/// Starts a process that runs `body` and exits with its return value.
///
/// Other threads are not copied, and any lock that one of them holds stays locked: `body` may make
/// system calls and do little else. A panic in it ends in an abort.
#[expect(unsafe_code, reason = "a system call")]
pub fn fork(body: impl FnOnce() -> u8) -> Child {
    // SAFETY: the child runs `body` under the rule above, and never returns from here.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "{}", Error::last_os_error());
    if pid == 0 {
        let status = body();
        // SAFETY: ends the process without running exit handlers that belong to the parent.
        unsafe { libc::_exit(i32::from(status)) }
    }
    Child { pid }
}

impl Child {
    /// Its process ID.
    pub fn id(&self) -> i32 {
        self.pid
    }

    /// Sends SIGKILL.
    #[expect(unsafe_code, reason = "a system call")]
    pub fn kill(&self) {
        // SAFETY: no pointers; the process is our child and has not been reaped.
        checked(unsafe { libc::kill(self.pid, libc::SIGKILL) }).expect("killing our child");
    }

    /// Waits for it to end: returns its exit status, or `None` if a signal killed it.
    #[expect(unsafe_code, reason = "a system call")]
    pub fn wait(self) -> Option<i32> {
        let mut status = 0;
        // SAFETY: the status outlives the call.
        checked(unsafe { libc::waitpid(self.pid, &raw mut status, 0) }).expect("our child's end");
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
    }
}

/// Registers `function` to be called when the process exits.
#[expect(unsafe_code, reason = "libtest offers no place for a last word")]
pub fn on_exit(function: extern "C" fn()) {
    // SAFETY: the function takes no arguments and is never unloaded.
    assert_eq!(unsafe { libc::atexit(function) }, 0);
}
