// SPDX-License-Identifier: MIT OR Apache-2.0
//! Machines in which hooks do not fire or are unavailable: the tool either shows traffic, or exits
//! with 2, naming the cause and the remedy. The table is in `docs/environments.md`.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    detach::Attached,
    privileges::as_tracer,
    support::{command, greet_user, json_lines, of_kind, read, require_vm, sentence_of, stdout_of},
};

/// `kernel.ftrace_enabled`.
const FTRACE: &str = "/proc/sys/kernel/ftrace_enabled";
/// Whether kprobes are armed.
const KPROBES: &str = "/sys/kernel/debug/kprobes/enabled";
/// `kernel.perf_event_paranoid`.
pub const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";
/// Watches a single command.
pub const WATCH: [&str; 8] = [
    "watch", "-p", "route", "--format", "json", "--", "ip", "link",
];

/// A kernel setting that is restored on drop.
pub struct Setting {
    path: &'static str,
    before: String,
}

impl Setting {
    pub fn set(path: &'static str, value: &str) -> Self {
        require_vm();
        let before = read(path).trim().to_owned();
        fs::write(path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path, before }
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        fs::write(self.path, &self.before).expect("it was writable before");
    }
}

/// Checks that a watch succeeded; returns the number of requests that it has shown.
pub fn requests(output: &std::process::Output) -> usize {
    let lines = json_lines(&stdout_of(output, 0));
    let exchanges = of_kind(&lines, "exchange").into_iter();
    exchanges.filter(|line| line["stages"]["send"] == 0).count()
}

/// The names and verdicts of doctor's checks that are not ok.
fn troubles(output: &std::process::Output, status: i32) -> Vec<(String, String)> {
    let lines = json_lines(&stdout_of(output, status));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let checks = of_kind(&lines, "check").into_iter();
    checks
        .map(|check| (text(&check["name"]), text(&check["verdict"])))
        .filter(|(_, verdict)| verdict != "ok")
        .collect()
}

/// The only one that is a warning or a failure.
fn cause(output: &std::process::Output, status: i32) -> (String, String) {
    let mut causes = troubles(output, status);
    causes.retain(|(_, verdict)| verdict != "not_checked");
    assert_eq!(causes.len(), 1, "one cause, one warning: {causes:?}");
    causes.remove(0)
}

/// Runs `greet-user` in a shell, after a change to its environment.
fn after(unshare: &[&str], change: &str, arguments: &[&str]) -> std::process::Output {
    require_vm();
    let script = format!("{change} exec greet-user \"$@\"");
    let mut command = Command::new("unshare");
    command.args(unshare).args(["sh", "-c", &script, "sh"]);
    command.args(arguments).output().expect("unshare is there")
}

#[test]
fn nothing_is_attached_while_ftrace_is_off() {
    let before = Attached::now();
    let off = Setting::set(FTRACE, "0");
    for hooks in ["auto", "fentry", "kprobe"] {
        let output = greet_user(&[&["watch", "--hooks", hooks][..], &WATCH[1..]].concat());
        let sentence = sentence_of(&output, 2);
        assert!(sentence.contains("kernel.ftrace_enabled=1"), "{sentence}");
    }
    let doctor = cause(&greet_user(&["doctor", "--json"]), 2);
    assert_eq!(doctor, ("ftrace".to_owned(), "failure".to_owned()));
    assert_eq!(Attached::now(), before);
    drop(off);
    // If anything had been attached, 6.12 could no longer hook any function.
    assert!(requests(&greet_user(&WATCH)) > 0);
}

#[test]
fn kprobes_that_are_off_are_not_waited_for() {
    let off = Setting::set(KPROBES, "0");
    let kprobes = [&["watch", "--hooks", "kprobe"][..], &WATCH[1..]].concat();
    let sentence = sentence_of(&greet_user(&kprobes), 2);
    assert!(sentence.contains("kprobes are switched off"), "{sentence}");
    assert!(requests(&greet_user(&WATCH)) > 0, "by fentry");
    let doctor = cause(&greet_user(&["doctor", "--json"]), 1);
    assert_eq!(doctor, ("kprobes".to_owned(), "warning".to_owned()));

    // A user who cannot read the switch attaches, and finds that nothing fires.
    let paranoid = Setting::set(PARANOID, "2");
    let sentence = sentence_of(&as_tracer(&kprobes), 2);
    assert!(
        sentence.contains("attached, but did not fire")
            && sentence.contains("kprobe:netlink_unicast"),
        "{sentence}"
    );
    drop((off, paranoid));
}

#[test]
fn the_true_cause_is_named_where_the_kernel_is_not_to_be_seen() {
    let tmpfs = |place: &str| format!("mount -t tmpfs none {place} &&");
    let masked = tmpfs("/sys/kernel/btf");
    let null = "mount --bind /dev/null /sys/kernel/btf/vmlinux &&";
    let lockdown = "mount -t tmpfs none /sys/kernel/security && \
                    echo none integrity [confidentiality] >/sys/kernel/security/lockdown &&";
    let container = ["-U", "-r", "-p", "-f"];
    for (unshare, change, cause_named, said) in [
        (
            &["-m"][..],
            "umount -l /sys &&",
            "file systems",
            "/sys is not mounted",
        ),
        (
            &["-m"],
            "umount -l /proc &&",
            "file systems",
            "/proc is not mounted",
        ),
        (
            &["-m"],
            &masked,
            "file systems",
            "/sys is not mounted here, or is masked",
        ),
        (
            &["-m"],
            null,
            "file systems",
            "/sys is not mounted here, or is masked",
        ),
        (&["-m"], lockdown, "lockdown", "lockdown=integrity"),
        (&["-U", "-r"], "", "user namespace", "user namespace"),
        (&["-p", "-f"], "", "PID namespace", "PID namespace"),
        (&container, "", "", "user namespace"),
    ] {
        let sentence = sentence_of(&after(unshare, change, &WATCH), 2);
        assert!(sentence.contains(said), "{change}: {sentence}");
        assert!(!sentence.contains("no BTF"), "{change}: {sentence}");
        if !cause_named.is_empty() {
            let doctor = cause(&after(unshare, change, &["doctor", "--json"]), 2);
            let expected = (cause_named.to_owned(), "failure".to_owned());
            assert_eq!(doctor, expected, "{change}");
        }
    }
}

#[test]
fn a_self_test_is_seen_by_nobody() {
    // Its uevent request would be the only message of that protocol.
    let output = greet_user(&["watch", "--format", "json", "-p", "15", "--", "true"]);
    let lines = json_lines(&stdout_of(&output, 0));
    let kinds: Vec<_> = lines.iter().map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["start", "summary"], "{lines:?}");
    assert_eq!(lines[1]["events"], 0);
    let mut tracer = command(&["watch", "--format", "json", "-p", "15", "--", "true"]);
    let output = crate::privileges::with_capabilities(&mut tracer)
        .output()
        .expect("starts");
    let lines = json_lines(&stdout_of(&output, 0));
    assert_eq!(lines[1]["events"], 0, "{lines:?}");
}
