// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads and processes: without privileges, in namespaces of their own, killed.

use std::io::{self, Error};
use std::thread;

use super::socket::{Socket, checked};
use crate::sys::RAW;

/// The user and group that have nothing.
const NOBODY: libc::c_long = 65534;

/// Gives up root for good, for this thread alone.
///
/// The C library's functions would change all threads of the process, so these are the bare calls.
#[expect(unsafe_code, reason = "libc's wrappers act on the whole process")]
pub fn become_nobody() {
    // SAFETY: numbers, and a list of groups with no entry.
    let results = unsafe {
        [
            libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()),
            libc::syscall(libc::SYS_setresgid, NOBODY, NOBODY, NOBODY),
            libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY),
        ]
    };
    assert_eq!(results, [0; 3], "{}", Error::last_os_error());
    // What needs CAP_NET_ADMIN must be refused now: sending to another than the kernel.
    if let Ok(socket) = Socket::open(RAW) {
        let refusal = socket
            .send_to(1, 0, b"x")
            .expect_err("no privileges are left");
        assert_eq!(refusal.raw_os_error(), Some(libc::EPERM));
    }
}

/// The kernel's number for this thread.
#[expect(unsafe_code, reason = "a system call")]
pub fn thread_id() -> i32 {
    // SAFETY: no arguments.
    unsafe { libc::gettid() }
}

/// Runs `body` on a thread with a network namespace of its own; when the thread ends, so does that.
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

/// Makes this process, which must have one thread, root of a user namespace and owner of a
/// network namespace, as a container without privileges is.
///
/// # Errors
/// Those of `unshare(2)`.
pub fn in_new_user_namespace() -> io::Result<()> {
    unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET)
}

#[expect(unsafe_code, reason = "a system call")]
fn unshare(what: i32) -> io::Result<()> {
    // SAFETY: no pointers; what is not shared any more is the caller's matter.
    checked(unsafe { libc::unshare(what) })
}

/// A process of ours.
#[derive(Debug)]
pub struct Child {
    pid: libc::pid_t,
}

/// Starts a process that runs `body` and exits with what it returns.
///
/// Other threads are not copied, and a lock that one of them holds stays locked: `body` makes
/// system calls and does little else. A panic in it ends in an abort.
#[expect(unsafe_code, reason = "a system call")]
pub fn fork(body: impl FnOnce() -> u8) -> Child {
    // SAFETY: the child runs `body` under the rule above, and never returns from here.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "{}", Error::last_os_error());
    if pid == 0 {
        let status = body();
        // SAFETY: ends the process without running what belongs to the parent.
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
        // SAFETY: no pointers; the process is ours, and has not been waited for.
        checked(unsafe { libc::kill(self.pid, libc::SIGKILL) }).expect("killing our child");
    }

    /// Waits for its end: its exit status, or nothing where a signal ended it.
    #[expect(unsafe_code, reason = "a system call")]
    pub fn wait(self) -> Option<i32> {
        let mut status = 0;
        // SAFETY: the status lives through the call.
        checked(unsafe { libc::waitpid(self.pid, &raw mut status, 0) }).expect("our child's end");
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
    }
}

/// Has `function` called when the process exits.
#[expect(unsafe_code, reason = "libtest offers no place for a last word")]
pub fn on_exit(function: extern "C" fn()) {
    // SAFETY: the function takes nothing and lives as long as the program.
    assert_eq!(unsafe { libc::atexit(function) }, 0);
}
