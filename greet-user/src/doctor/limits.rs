// SPDX-License-Identifier: MIT OR Apache-2.0
//! Capacities: the kernel's socket queues, and the resource limits of this process.

use std::io;

use greet_common::wire::{GREET_REPLY_SIZE, HEADER_SIZE};
use greet_trace::kernel::mounted::proc_hides;
use rustix::{
    io::Errno,
    net::{
        AddressFamily, SendFlags, SocketFlags, SocketType, bind, getsockname,
        netlink::{SocketAddrNetlink, USERSOCK},
        sendto, socket_with,
        sockopt::{socket_recv_buffer_size, socket_send_buffer_size},
    },
    process::{Resource, getrlimit},
};

use super::{ABOVE, kernel::version, report::Check, sysctl};

/// What the kernel reserves in a send buffer (`netlink_sendmsg()`), in bytes.
const SEND_RESERVE: usize = 32;
/// No queue holds this many replies: without it, counting might never end.
const MOST: usize = 1 << 20;

/// `receive buffer`: how many replies fit into a queue of the default size. They are counted with
/// datagrams of the same length, sent from one of our own sockets to another.
#[must_use]
pub fn check_receive_buffer() -> Check {
    const NAME: &str = "receive buffer";
    match unread_replies() {
        Ok((bytes, replies)) => {
            let most = sysctl("net/core/rmem_max").map(|most| format!(", {most} at most"));
            let found = format!("{bytes} bytes{}", most.unwrap_or_default());
            let means = format!("{replies} unread replies fit; further ones are lost (ENOBUFS)");
            Check::ok(NAME, found, &means)
        }
        Err(error) => Check::not_checked(NAME, error.to_string(), "replies are queued in it"),
    }
}

fn unread_replies() -> io::Result<(usize, usize)> {
    let open = || {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            flags,
            Some(USERSOCK),
        )?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        io::Result::Ok(socket)
    };
    let (sender, reader) = (open()?, open()?);
    let address = SocketAddrNetlink::try_from(getsockname(&reader)?)?;
    let reply = [0; HEADER_SIZE + GREET_REPLY_SIZE];
    for count in 0..MOST {
        match sendto(&sender, &reply, SendFlags::DONTWAIT, &address) {
            Ok(_) => {}
            Err(Errno::AGAIN) => return Ok((socket_recv_buffer_size(&reader)?, count)),
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("the queue is never full"))
}

/// `send buffer`: the maximum length of a greeting.
#[must_use]
pub fn check_send_buffer() -> Check {
    const NAME: &str = "send buffer";
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        flags,
        Some(USERSOCK),
    );
    match socket.and_then(|socket| socket_send_buffer_size(&socket)) {
        Ok(bytes) => {
            let most = sysctl("net/core/wmem_max").map(|most| format!(", {most} at most"));
            let longest = bytes.saturating_sub(SEND_RESERVE + HEADER_SIZE);
            let means = format!("a greeting may have up to {longest} bytes (EMSGSIZE beyond)");
            Check::ok(
                NAME,
                format!("{bytes} bytes{}", most.unwrap_or_default()),
                &means,
            )
        }
        Err(error) => Check::not_checked(NAME, error.to_string(), "messages must fit into it"),
    }
}

/// `JIT`.
#[must_use]
pub fn check_jit() -> Check {
    let value = sysctl("net/core/bpf_jit_enable");
    let harden = sysctl("net/core/bpf_jit_harden");
    jit(value.as_deref(), harden.as_deref().unwrap_or("0"))
}

fn jit(value: Result<&str, &io::Error>, harden: &str) -> Check {
    const NAME: &str = "JIT";
    match value {
        Ok("0") => Check::warning(
            NAME,
            "net.core.bpf_jit_enable = 0",
            "programs are interpreted, which is slow; the kernel refuses those named below",
        )
        .advise("`sudo sysctl net.core.bpf_jit_enable=1`"),
        Ok(_) if harden == "2" => Check::ok(
            NAME,
            "on, with net.core.bpf_jit_harden = 2",
            "root's programs are hardened too: each timestamp costs slightly more",
        ),
        Ok(_) => Check::ok(NAME, "on", "programs run as machine code"),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Check::not_checked(NAME, "needs root", "programs are slow without it")
                .advise("try `sudo greet-user doctor`")
        }
        Err(_) if proc_hides("/proc/sys/net") => Check::not_checked(
            NAME,
            "/proc is not visible here",
            "programs are slow without it",
        )
        .advise(ABOVE),
        Err(error) => Check::warning(
            NAME,
            format!("net.core.bpf_jit_enable cannot be read ({error})"),
            "this kernel has none, or this network namespace does not show it",
        ),
    }
}

/// `locked memory`: before Linux 5.11, maps counted towards this limit.
#[must_use]
pub fn check_locked_memory(release: &str, needed: u64) -> Check {
    locked_memory(release, getrlimit(Resource::Memlock).current, needed)
}

fn locked_memory(release: &str, limit: Option<u64>, needed: u64) -> Check {
    const NAME: &str = "locked memory";
    let found = limit.map_or_else(|| "unlimited".to_owned(), |limit| format!("{limit} bytes"));
    if version(release).is_some_and(|version| version >= (5, 11)) {
        Check::ok(NAME, found, "maps have not counted since Linux 5.11")
    } else if limit.is_some_and(|limit| limit < needed) {
        let means = format!("the ring buffer takes {needed} bytes, which count before Linux 5.11");
        Check::failure(NAME, found, &means).advise("`ulimit -l unlimited`, as root")
    } else {
        Check::ok(NAME, found, "enough for the ring buffer")
    }
}

/// `open files`; tracing opens `needed` of them here.
#[must_use]
pub fn check_open_files(needed: usize) -> Check {
    open_files(getrlimit(Resource::Nofile).current, needed)
}

fn open_files(limit: Option<u64>, needed: usize) -> Check {
    const NAME: &str = "open files";
    let found = limit.map_or_else(
        || "unlimited".to_owned(),
        |limit| format!("{limit} allowed"),
    );
    let means = format!("tracing opens {needed} at once here");
    if limit.is_some_and(|limit| limit < needed as u64 + 16) {
        Check::failure(NAME, found, &means).advise("`ulimit -n 1024`")
    } else {
        Check::ok(NAME, found, &means)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    #[test]
    fn the_queue_is_really_filled() {
        let (bytes, replies) = unread_replies().expect("anybody may");
        // Each takes its own bytes plus the kernel's overhead.
        let most = bytes / (HEADER_SIZE + GREET_REPLY_SIZE);
        assert!(replies > 0 && replies <= most, "{replies} of {most}");
        assert_eq!(unread_replies().expect("anybody may"), (bytes, replies));
        assert_eq!(check_send_buffer().verdict, Verdict::Ok);
    }

    #[test]
    fn the_jit_may_be_off_or_hidden() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let absent = io::Error::from(io::ErrorKind::NotFound);
        for (value, harden, verdict) in [
            (Ok("1"), "0", Verdict::Ok),
            (Ok("1"), "2", Verdict::Ok),
            (Ok("0"), "0", Verdict::Warning),
            (Err(&denied), "0", Verdict::NotChecked),
            (Err(&absent), "0", Verdict::Warning),
        ] {
            assert_eq!(jit(value, harden).verdict, verdict, "{value:?}");
        }
        assert!(jit(Ok("1"), "2").found.contains("harden"));
    }

    #[test]
    fn limits_count_where_they_bind() {
        assert_eq!(open_files(None, 50).verdict, Verdict::Ok);
        assert_eq!(open_files(Some(1024), 50).verdict, Verdict::Ok);
        assert_eq!(open_files(Some(60), 50).verdict, Verdict::Failure);
        let locked = |release, limit, needed| locked_memory(release, limit, needed).verdict;
        assert_eq!(locked("6.1.0-56", Some(64), 4096), Verdict::Ok);
        assert_eq!(locked("5.10.0", Some(64), 4096), Verdict::Failure);
        assert_eq!(locked("5.10.0", None, 4096), Verdict::Ok);
    }
}
