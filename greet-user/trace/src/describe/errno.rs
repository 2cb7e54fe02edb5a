// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names and texts of errnos, including the kernel-internal ones (`include/linux/errno.h`): no
//! program should see those, but some do.

use std::io;

use nix::errno::Errno;

/// The kernel-internal errnos: number, name and text.
const INTERNAL: [(i32, &str, &str); 11] = [
    (
        512,
        "ERESTARTSYS",
        "Interrupted by a signal, to be restarted",
    ),
    (
        513,
        "ERESTARTNOINTR",
        "Interrupted by a signal, to be restarted",
    ),
    (
        514,
        "ERESTARTNOHAND",
        "Interrupted by a signal, to be restarted unless it has a handler",
    ),
    (515, "ENOIOCTLCMD", "No such ioctl command"),
    (
        516,
        "ERESTART_RESTARTBLOCK",
        "Interrupted by a signal, to be continued",
    ),
    (517, "EPROBE_DEFER", "Driver requests probe retry"),
    (518, "EOPENSTALE", "Open found a stale dentry"),
    (519, "ENOPARAM", "Parameter not supported"),
    (524, "ENOTSUPP", "Operation is not supported"),
    (529, "EIOCBQUEUED", "Request queued, completion follows"),
    (530, "ERECALLCONFLICT", "Conflict with a recalled state"),
];

fn internal(errno: i32) -> Option<(&'static str, &'static str)> {
    let found = INTERNAL.iter().find(|(number, ..)| *number == errno);
    found.map(|(_, name, words)| (*name, *words))
}

/// `ENODEV` for -19; the number if it has no name.
#[must_use]
pub fn error_name(error: i32) -> String {
    let errno = error.wrapping_neg();
    match (Errno::from_raw(errno), internal(errno)) {
        (Errno::UnknownErrno, Some((name, _))) => name.to_owned(),
        (Errno::UnknownErrno, None) => error.to_string(),
        (known, _) => format!("{known:?}"),
    }
}

/// `No such device` for -19.
#[must_use]
pub fn error_text(error: i32) -> String {
    let errno = error.wrapping_neg();
    if let Some((_, words)) = internal(errno) {
        return format!("{words} (kernel-internal code {errno})");
    }
    let text = io::Error::from_raw_os_error(errno).to_string();
    let words = text.split(" (os error").next();
    words.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errnos_have_names_and_words_the_kernels_own_as_well() {
        for (error, name, words) in [
            (-19, "ENODEV", "No such device"),
            (-4, "EINTR", "Interrupted system call"),
            (
                -524,
                "ENOTSUPP",
                "Operation is not supported (kernel-internal code 524)",
            ),
            (
                -512,
                "ERESTARTSYS",
                "Interrupted by a signal, to be restarted (kernel-internal code 512)",
            ),
        ] {
            assert_eq!(
                (error_name(error).as_str(), error_text(error).as_str()),
                (name, words)
            );
        }
        assert_eq!(error_name(-4000), "-4000");
        assert_eq!(error_name(i32::MIN), i32::MIN.to_string());
    }
}
