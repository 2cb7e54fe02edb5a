// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each user may do, and the messages for those who may not.

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Command, Output},
};

use rustix::thread::{
    CapabilitySet, CapabilitySets, configure_capability_in_ambient_set, set_capabilities,
};

use crate::{
    environments::{PARANOID, Setting, WATCH, requests},
    support::{command, greet_user, json_lines, sentence_of, stdout_of},
};

const NOBODY: u32 = 65_534;

fn as_nobody(arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn greeting_needs_no_privileges() {
    let output = as_nobody(&["-c", "2", "-i", "0"]).output().expect("starts");
    let text = stdout_of(&output, 0);
    assert!(text.contains("2 sent, 2 answered"), "{text}");
}

#[test]
fn tracing_says_which_capability_is_missing() {
    let output = as_nobody(&["--trace"]).output().expect("starts");
    assert!(output.stdout.is_empty());
    let sentence = sentence_of(&output, 2);
    assert!(sentence.contains("CAP_BPF and CAP_PERFMON"), "{sentence}");
    assert!(sentence.contains("`sudo greet-user --trace`"), "{sentence}");
}

/// `CAP_PERFMON` and `CAP_BPF` (include/uapi/linux/capability.h).
const TRACER: u64 = 1 << 38 | 1 << 39;

/// Makes the command run as nobody, with the two capabilities of a tracer and no others.
#[expect(unsafe_code, reason = "capabilities are set between fork and exec")]
pub fn with_capabilities(command: &mut Command) -> &mut Command {
    // SAFETY: only system calls, on the child's own memory.
    unsafe {
        command.pre_exec(|| {
            let held = CapabilitySet::from_bits_retain(TRACER);
            let sets = CapabilitySets {
                effective: held,
                permitted: held,
                inheritable: held,
            };
            let nobody = libc::uid_t::from(NOBODY);
            for result in [
                libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0),
                libc::setgroups(0, std::ptr::null()),
                libc::setresgid(nobody, nobody, nobody),
                libc::setresuid(nobody, nobody, nobody),
            ] {
                if result != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            set_capabilities(None, sets)?;
            for capability in [CapabilitySet::PERFMON, CapabilitySet::BPF] {
                configure_capability_in_ambient_set(capability, true)?;
            }
            Ok(())
        })
    }
}

/// Runs `greet-user` with these capabilities until it exits.
pub fn as_tracer(arguments: &[&str]) -> Output {
    with_capabilities(&mut command(arguments))
        .output()
        .expect("starts")
}

/// The table is in docs/privileges.md.
#[test]
fn two_capabilities_suffice_but_for_kprobes_where_perf_events_are_for_root() {
    let with = |hooks: &str| {
        let arguments = [&["watch", "--hooks", hooks][..], &WATCH[1..]].concat();
        as_tracer(&arguments)
    };
    // From 3 up, Debian's kernels restrict perf_event_open() to CAP_SYS_ADMIN.
    let paranoid = Setting::set(PARANOID, "3");
    let sentence = sentence_of(&with("kprobe"), 2);
    assert!(
        sentence.contains("kernel.perf_event_paranoid is 3"),
        "{sentence}"
    );
    assert!(requests(&with("fentry")) > 0);
    let output = as_tracer(&["--trace", "--format", "json"]);
    let lines = json_lines(&stdout_of(&output, 0));
    let missing = lines[0]["missing"].to_string();
    assert!(
        missing.contains("handle, handled") && missing.contains("perf_event_paranoid"),
        "{missing}"
    );
    drop(paranoid);
    let paranoid = Setting::set(PARANOID, "2");
    assert!(requests(&with("kprobe")) > 0);
    drop(paranoid);
}

#[test]
fn an_unknown_callback_is_named() {
    let output = greet_user(&["--trace", "--callback", "no_such_function"]);
    assert!(output.stdout.is_empty());
    let sentence = sentence_of(&output, 2);
    assert!(
        sentence.contains("no function `no_such_function`"),
        "{sentence}"
    );
    assert!(sentence.contains("--callback SYMBOL"), "{sentence}");
    assert!(!sentence.contains("did you mean"), "{sentence}");
    let output = greet_user(&["--trace", "--callback", "netlink_rcv_msg_fn"]);
    let sentence = sentence_of(&output, 2);
    assert!(
        sentence.contains("did you mean `netlink_recv_msg_fn`?"),
        "{sentence}"
    );
}

#[test]
fn numbers_that_are_none_are_refused() {
    for arguments in [
        ["-c", "0"],
        ["-c", "x"],
        ["-i", "-1"],
        ["-W", "nan"],
        ["-s", "-5"],
    ] {
        let output = greet_user(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
