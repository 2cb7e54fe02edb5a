// SPDX-License-Identifier: MIT OR Apache-2.0
//! A capture file contains what was seen, byte for byte, and is readable however the run ends. It
//! is read with another library than the one that writes it.

#[path = "../../../src/output/pcapng/tests/reading.rs"]
mod reading;

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::Stdio,
    thread::sleep,
    time::Duration,
};

use greet_user::client;
use rustix::{
    mount::{MountFlags, UnmountFlags, mount, unmount},
    process::Signal,
};
use serde_json::Value;

use crate::{
    detach::Attached,
    recording::{Beside, Folder},
    support::{
        KILLS, TRACED_EVERY, command, greet_user, in_vm, json_lines, open, sentence_of, stdout_of,
        until,
    },
    watching::{Watching, messages, nothing_lost, signal},
};
use reading::{Found, Got, blocks, read};

/// Greets until it is killed.
const ENDLESS: [&str; 4] = ["greet-user", "--flood", "-c", "1000000000"];
/// Bytes before each netlink message.
const COOKED: usize = 16;

fn read_file(path: &str) -> Found {
    read(&fs::read(path).expect("is there"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same messages, the same bytes, in the same order.
fn compare(shown: &[&Value], packets: &[Got]) {
    assert_eq!(shown.len(), packets.len());
    for (message, got) in shown.iter().zip(packets) {
        let (cooked, data) = got.data.split_at(COOKED);
        assert_eq!(cooked[..14], [0, 4, 3, 56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let protocol = u16::from_be_bytes([cooked[14], cooked[15]]);
        assert_eq!(message["protocol"], protocol);
        assert_eq!(message["len"], data.len(), "whole");
        assert_eq!(got.original_len as usize, got.data.len());
        match message["data_hex"].as_str() {
            Some(all) => assert_eq!(all, hex(data)),
            None => assert_eq!(message["payload_hex"], hex(&data[16..])),
        }
        let outbound = message["direction"] == "user_to_kernel";
        assert_eq!(got.flags & 3, if outbound { 2 } else { 1 });
    }
}

#[test]
fn three_greetings_and_one_ip_link_as_json_has_them() {
    let folder = Folder::new("captured");
    let file = folder.file("run.pcapng");
    let script = "greet-user -q -c 3 -i 0.01; ip link";
    let arguments = [
        "watch", "--format", "json", "--pcapng", &file, "--", "sh", "-c", script,
    ];
    let lines = json_lines(&stdout_of(&greet_user(&arguments), 0));
    nothing_lost(&lines);
    let found = read_file(&file);
    compare(&messages(&lines), &found.packets);
    assert!(found.packets.is_sorted_by_key(|got| got.time_ns));
    let ours = |got: &&Got| got.data[14..COOKED] == [0, 31];
    let greetings: Vec<_> = found.packets.iter().filter(ours).collect();
    assert_eq!(greetings.len(), 6);
    assert!(found.packets.len() > 6, "and those of ip link");
    for got in greetings {
        let comment = &got.comment;
        for part in ["greet-user[", "queue ", "receive ", "delivered "] {
            assert!(comment.contains(part), "{part} in {comment}");
        }
    }
    let start = &lines[0];
    assert_eq!(found.system[1], start["tool"].as_str().expect("text"));
    let boot_ns = start["boot_time_unix_ns"].as_u64().expect("a number");
    // JSON has a request's `send` time and a reply's `reply` time; the file has `cross` and
    // `queue`.
    for (message, got) in messages(&lines).iter().zip(&found.packets) {
        let late = got.time_ns - boot_ns - message["t_ns"].as_u64().expect("a time");
        assert!(late < 1_000_000_000, "{late} ns");
    }
    assert!(found.interface_comment.contains("netlink_recv_msg_fn"));
    let (_, packets, dropped) = found.counts.expect("at the end");
    assert_eq!((packets, dropped), (found.packets.len() as u64, 0));
    assert!(found.counts_comment.contains(" 0 dropped"));
}

#[test]
fn what_nobody_has_read_is_in_it_and_every_greeting_of_a_trace() {
    in_vm(async {
        let folder = Folder::new("unread-packets");
        let file = folder.file("run.pcapng");
        let mut watching = Watching::start(&["-p", "31", "--pcapng", &file]);
        let mut socket = open();
        for text in ["one", "two"] {
            client::greet(&mut socket, text, true).await.expect("sends");
        }
        watching.read_until("the last answer", |line| {
            line["direction"] == "kernel_to_user" && line["headers"][0]["seq"] == 2
        });
        let lines = watching.stop();
        let packets = read_file(&file).packets;
        compare(&messages(&lines), &packets);
        let unread = packets
            .iter()
            .filter(|got| got.comment.contains("; not read; "));
        assert_eq!(unread.count(), 2, "of {}", packets.len());

        let size = ["--trace", "-c", "2", "-i", "0", "-s", "3000"];
        let mut arguments = size.to_vec();
        arguments.extend(["--pcapng", &file]);
        stdout_of(&greet_user(&arguments), 0);
        let packets = read_file(&file).packets;
        let lengths: Vec<_> = packets.iter().map(|got| got.data.len()).collect();
        assert_eq!(lengths, [3_033, 288, 3_033, 288], "whole, with its NUL");
    });
}

#[test]
fn a_capture_that_is_killed_at_any_moment_can_be_read() {
    let folder = Folder::new("killed-packets");
    let recorded = folder.file("run.greet");
    let two_seconds = ["-c", "200", "-i", "0.01", "--trace", "--record", &recorded];
    stdout_of(&greet_user(&two_seconds), 0);
    let (mut with_packets, mut all, mut cut) = (0, 0, 0);
    for round in 0..KILLS {
        let is_live = round % TRACED_EVERY == 0;
        let _flood = is_live.then(|| Beside::start(&ENDLESS[1..]));
        let file = folder.file(&format!("{round}.pcapng"));
        let live = ["watch", "-p", "31", "--stages", "cross,queue"];
        let again = ["replay", "--pace", &recorded];
        let arguments = if is_live { &live[..] } else { &again };
        let mut watch = command(arguments)
            .args(["--pcapng", &file])
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        let len = || fs::metadata(&file).map_or(0, |file| file.len());
        until("it is attached", || len() > 0);
        sleep(Duration::from_micros(fastrand::u64(0..400_000)));
        watch.kill().expect("it runs");
        watch.wait().expect("ends");
        let bytes = fs::read(&file).expect("is there");
        let found = read(&bytes);
        assert_eq!(found.system.len(), 2, "the header is there");
        assert!(found.counts.is_none(), "it was killed");
        with_packets += usize::from(!found.packets.is_empty());
        all += found.packets.len();
        cut += usize::from(blocks(&bytes).iter().sum::<usize>() < bytes.len());
        fs::remove_file(&file).expect("is there");
    }
    println!("{KILLS} killed, {with_packets} with packets, {all} packets, {cut} within a block");
    assert!(with_packets > KILLS / 5, "{with_packets} of {KILLS}");
}

#[test]
fn a_full_disk_ends_the_capture_with_what_fits() {
    let folder = Folder::new("full-packets");
    let before = Attached::now();
    let size = Some(c"size=64k");
    mount("none", &folder.0, "tmpfs", MountFlags::empty(), size).expect("mounts");
    let file = folder.file("run.pcapng");
    for path in [&*file, "/dev/full"] {
        let mut watch = command(&["watch", "-p", "31", "--pcapng", path, "--"]);
        let output = watch.args(ENDLESS).output().expect("starts");
        let sentence = sentence_of(&output, 2);
        assert!(sentence.contains(path), "{sentence}");
        assert!(sentence.contains("No space left on device"), "{sentence}");
        until("everything is detached", || Attached::now() == before);
    }
    assert!(read_file(&file).packets.len() > 50);
    unmount(&folder.0, UnmountFlags::empty()).expect("is mounted");
}

#[test]
fn a_capture_that_cannot_be_written_is_refused_before_anything_begins() {
    let folder = Folder::new("unwritable-packets");
    let inside = folder.file("nowhere/run.pcapng");
    let directory = folder.0.display().to_string();
    let begun = folder.file("begun");
    let sealed = Folder::new("sealed-packets");
    mount("none", &sealed.0, "tmpfs", MountFlags::RDONLY, None).expect("mounts");
    let read_only = sealed.file("run.pcapng");
    for (path, words) in [
        (&*inside, "No such file or directory"),
        (&*directory, "Is a directory"),
        (&*read_only, "Read-only file system"),
    ] {
        let watch = ["watch", "--pcapng", path, "--", "touch", &begun];
        for arguments in [&watch[..], &["--trace", "--pcapng", path]] {
            let sentence = sentence_of(&greet_user(arguments), 2);
            assert!(sentence.contains(path), "{sentence}");
            assert!(sentence.contains(words), "{sentence}");
        }
    }
    unmount(&sealed.0, UnmountFlags::empty()).expect("is mounted");
    let both = [
        "watch", "--record", "-", "--pcapng", "-", "--", "touch", &begun,
    ];
    let sentence = sentence_of(&greet_user(&both), 2);
    assert!(sentence.contains("only one of"), "{sentence}");
    let summary = ["watch", "--summary", "--pcapng", "-", "--", "touch", &begun];
    stdout_of(&greet_user(&summary), 2);
    assert!(!Path::new(&begun).exists(), "the command was started");
}

#[test]
fn it_streams_and_ends_when_nobody_reads_on() {
    let words = ["watch", "-p", "31", "--pcapng", "-", "--"];
    let start = || {
        let mut watch = command(&words);
        let watch = watch.args(ENDLESS).stdout(Stdio::piped());
        watch.stderr(Stdio::null()).spawn().expect("starts")
    };
    let mut watch = start();
    let mut out = watch.stdout.take().expect("is piped");
    let mut bytes = Vec::new();
    let mut some = [0; 4096];
    while read(&bytes).packets.len() < 100 {
        let len = out.read(&mut some).expect("reads");
        assert_ne!(len, 0, "it ended");
        bytes.write_all(&some[..len]).expect("memory");
    }
    signal(watch.id(), Signal::INT);
    out.read_to_end(&mut bytes).expect("reads");
    assert_eq!(watch.wait().expect("ends").code(), Some(0));
    assert!(
        read(&bytes).counts.is_some(),
        "to its end, and nothing else"
    );
    assert_eq!(blocks(&bytes).iter().sum::<usize>(), bytes.len());

    let mut watch = start();
    let mut out = watch.stdout.take().expect("is piped");
    out.read_exact(&mut some[..100]).expect("reads");
    drop(out);
    assert_eq!(watch.wait().expect("ends by itself").code(), Some(1));
}
