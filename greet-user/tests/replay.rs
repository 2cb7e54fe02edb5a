// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user replay` as users run it: without root and without the kernel's help.
//!
//! The recordings in `tests/recordings` were made by version 1 of the tool in the virtual machine
//! of `cargo xtask vm`; all later versions must read them the same way.

#[path = "support/package.rs"]
mod package;
#[path = "support/program.rs"]
mod program;

use self::{package::recording, program::program};

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use greet_trace::{
    event::{Datagram, Event, Extack, Head, Message},
    recording::Writer,
    run::{Closing, Opening, Run, System},
    tracer::Attached,
};
use rustix::process::{Pid, Signal, kill_process};

const RECORDINGS: [&str; 2] = ["v1-greetings.greet", "v1-watch.greet"];
/// From the first greeting in `v1-greetings.greet` to the second.
const INTERVAL: Duration = Duration::from_millis(200);

fn replay(file: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg("replay").arg(file).args(arguments);
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("greet-user starts")
}

/// Checks the exit status; returns standard output and the message on standard error.
fn shown(output: &Output, status: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{out}\n{err}");
    assert_eq!(err.lines().count(), usize::from(status != 0), "{err}");
    (out, err)
}

/// A modified copy.
fn changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> tempfile::NamedTempFile {
    let mut bytes = fs::read(recording(name)).expect("a recording");
    change(&mut bytes);
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&bytes).expect("writes");
    file
}

#[test]
fn recordings_of_every_version_are_read_as_ever() {
    for name in RECORDINGS {
        let file = recording(name);
        let (json, _) = shown(&run(&mut replay(&file, &["--format", "json"])), 0);
        insta::assert_snapshot!(format!("{name} json"), json);
    }
}

#[test]
fn a_summary_is_all_that_is_shown_if_nothing_else_is_asked_for() {
    for name in RECORDINGS {
        let file = recording(name);
        let all = shown(&run(&mut replay(&file, &["--format", "json"])), 0).0;
        let arguments = ["--format", "json", "--summary"];
        let some = shown(&run(&mut replay(&file, &arguments)), 0).0;
        let ends = |text: &str| -> Vec<String> {
            let mut lines = text.lines().map(str::to_owned);
            lines.next().into_iter().chain(lines.next_back()).collect()
        };
        assert_eq!(some.lines().collect::<Vec<_>>(), ends(&all));
    }
}

#[test]
fn standard_input_is_read_as_a_file_is() {
    for name in RECORDINGS {
        let file = recording(name);
        let stdin = fs::File::open(&file).expect("a recording");
        let mut piped = replay(Path::new("-"), &["--format", "json"]);
        let piped = shown(&run(piped.stdin(stdin)), 0).0;
        let read = shown(&run(&mut replay(&file, &["--format", "json"])), 0).0;
        assert_eq!(piped, read);
    }
}

#[test]
fn what_comes_through_a_pipe_is_shown_at_once() {
    let mut command = replay(Path::new("-"), &["--format", "json"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("is piped"));
    let mut stdin = child.stdin.take().expect("is piped");
    let bytes = fs::read(recording(RECORDINGS[1])).expect("a recording");
    // The first event of the recording is reported as soon as it arrives, not at the end.
    let (first, rest) = bytes.split_at(2_800);
    stdin.write_all(first).expect("it reads");
    let mut line = String::new();
    while !line.contains("\"kind\":\"exchange\"") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).expect("reads"), 0);
    }
    stdin.write_all(rest).expect("it reads");
    drop(stdin);
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}

#[test]
fn of_a_truncated_recording_the_whole_frames_are_shown_then_the_offset() {
    let file = changed(RECORDINGS[1], |bytes| bytes.truncate(2_800));
    let (json, error) = shown(&run(&mut replay(file.path(), &["--format", "json"])), 2);
    let said = "the recording is truncated at offset 2776: it ends within a frame; everything before that was shown";
    assert_eq!(error, format!("greet-user: {said}\n"));
    let whole = run(&mut replay(
        &recording(RECORDINGS[1]),
        &["--format", "json"],
    ));
    let whole = shown(&whole, 0).0;
    let exchanges = |json: &str| -> Vec<String> {
        let lines = json.lines().filter(|line| line.contains("\"exchange\""));
        lines.map(str::to_owned).collect()
    };
    let (some, all) = (exchanges(&json), exchanges(&whole));
    assert_eq!((some.len(), all.len()), (3, 4));
    assert_eq!(some[..2], all[..2]);
    // For the third, only what had arrived by then.
    assert!(some[2].contains("\"sent\":") && !some[2].contains("\"delivered\":"));
    assert!(
        json.lines()
            .last()
            .is_some_and(|line| line.contains("\"summary\""))
    );
}

#[test]
fn a_damaged_frame_is_left_out_and_named() {
    let file = changed(RECORDINGS[1], |bytes| bytes[1_000] ^= 0x10);
    let (json, error) = shown(&run(&mut replay(file.path(), &["--format", "json"])), 2);
    let said = "the recording is damaged at offset 826: a frame's checksum is wrong";
    assert_eq!(error, format!("greet-user: {said}\n"));
    assert!(
        json.lines()
            .last()
            .is_some_and(|line| line.contains("\"summary\""))
    );
    let exchanges = json.lines().filter(|line| line.contains("\"exchange\""));
    assert_eq!(exchanges.count(), 4);
}

#[test]
fn what_is_not_a_recording_is_refused_with_the_next_step() {
    for (file, words) in [
        (Path::new("/nowhere/run.greet"), "No such file or directory"),
        (Path::new("/tmp"), "Is a directory"),
        (Path::new("/dev/null"), "not a recording"),
        (Path::new("Cargo.toml"), "greet-user watch --record FILE"),
    ] {
        let (out, error) = shown(&run(&mut replay(file, &[])), 2);
        assert!(out.is_empty(), "{out}");
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn nobody_reads_on_is_no_news() {
    let mut command = replay(&recording(RECORDINGS[0]), &["--format", "json"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = run(command.stdout(writer).stderr(Stdio::piped()));
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.is_empty());
}

#[test]
fn with_pace_it_takes_as_long_as_it_took() {
    let file = recording(RECORDINGS[0]);
    let began = Instant::now();
    let paced = shown(&run(&mut replay(&file, &["--format", "json", "--pace"])), 0).0;
    assert!(began.elapsed() >= INTERVAL);
    let at_once = shown(&run(&mut replay(&file, &["--format", "json"])), 0).0;
    assert_eq!(paced, at_once);
}

/// A recording of a watch without any events yet.
fn begun() -> Writer<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    let system = System {
        tool: "greet-user".to_owned(),
        kernel: "6.12".to_owned(),
        boot_time_unix_ns: 0,
        attached: Attached::default(),
    };
    let opening = Opening {
        began_ns: 1,
        deliveries: true,
        run: Run::Watch(system),
    };
    writer.opening(&opening).expect("writes");
    writer
}

/// A recording whose second event came an hour after the first, and which is unfinished.
fn with_a_long_rest() -> Vec<u8> {
    let mut writer = begun();
    for time_ns in [2, 3_600_000_000_002] {
        let head = Head {
            kind: 5,
            protocol: 0,
            call: time_ns,
            pid: 7,
            tid: 7,
            comm: [0; 16],
            sock: 1,
        };
        let mut text = [0; 128];
        text[..3].copy_from_slice(b"why");
        let extack = Extack {
            head,
            time_ns,
            text,
        };
        writer.event(&Event::Extack(extack)).expect("writes");
    }
    writer.into_inner().expect("writes")
}

/// Messages of 128 KiB of zeros each, which take only a few bytes in the file: in calls that never
/// end, or outside any call.
fn of_zeros(call: u64) -> Vec<u8> {
    let mut writer = begun();
    for number in 1..=MESSAGES {
        let tid = u32::try_from(number).expect("few");
        let message = Message {
            head: Head {
                kind: 2,
                protocol: 0,
                call: call * number,
                pid: tid,
                tid,
                comm: [0; 16],
                sock: 1,
            },
            skb: number,
            reply_ns: 0,
            queue_ns: number,
            datagram: Datagram {
                protocol: 0,
                netns: 1,
                portid: 0,
                peer_portid: tid,
                group: 0,
                len: 1 << 17,
                beyond: greet_trace::event::Beyond::default(),
                data: vec![0; 1 << 17].into(),
            },
        };
        writer.event(&Event::Message(message)).expect("writes");
    }
    writer.closing(&Closing::default()).expect("writes");
    writer.into_inner().expect("writes")
}

/// 512 MiB if all of them were kept.
const MESSAGES: u64 = 4096;

#[test]
fn a_recording_of_zeros_takes_little_memory() {
    let out = tempfile::NamedTempFile::new().expect("a file");
    let out = out.path().to_str().expect("UTF-8");
    for (call, arguments) in [
        (1, &["--summary"][..]),
        (0, &["--summary", "--report", out, "--pcapng", "/dev/null"]),
    ] {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let bytes = of_zeros(call);
        assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
        file.write_all(&bytes).expect("writes");
        // 400 MiB of address space, of which threads and their allocators take up to 144.
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -v 409600; exec \"$0\" \"$@\""]);
        limited.arg(program()).arg("replay").arg(file.path());
        let output = limited.args(arguments).output().expect("sh starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{call}: {said}");
    }
}

#[test]
fn ctrl_c_ends_a_long_rest_with_the_summary() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&with_a_long_rest()).expect("writes");
    let mut command = replay(file.path(), &["--format", "json", "--pace"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("is piped"));
    let mut first = String::new();
    lines.read_line(&mut first).expect("reads");
    assert!(first.contains("\"kind\":\"start\""), "{first}");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process ID"), Signal::INT).expect("it runs");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("reads");
    assert_eq!(child.wait().expect("ends").code(), Some(0));
    let last = rest.lines().last().unwrap_or_default();
    assert!(last.contains("\"kind\":\"summary\""), "{rest}");
}

#[test]
fn a_report_is_written_at_the_end_and_whole() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let report = folder.path().join("run.html");
    fs::write(&report, "older").expect("writes");
    let file = recording(RECORDINGS[1]);
    let name = report.to_str().expect("UTF-8");
    shown(&run(&mut replay(&file, &["-q", "--report", name])), 0);
    let page = fs::read_to_string(&report).expect("a report");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    // A truncated recording still yields a report of what it contains.
    let half = changed(RECORDINGS[1], |bytes| bytes.truncate(2_900));
    shown(&run(&mut replay(half.path(), &["-q", "--report", name])), 2);
    let less = fs::read_to_string(&report).expect("a report");
    assert!(less.ends_with("</html>\n") && less != page);
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 1, "nothing lies beside it");
}

#[test]
fn a_report_on_standard_output_is_alone_there() {
    let file = recording(RECORDINGS[0]);
    let (page, _) = shown(&run(&mut replay(&file, &["--report", "-"])), 0);
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    let (nothing, error) = shown(
        &run(&mut replay(&file, &["--report", "-", "--pcapng", "-"])),
        2,
    );
    assert!(nothing.is_empty());
    assert!(error.contains("only one of --record, --pcapng and --report"));
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_else() {
    let file = recording(RECORDINGS[0]);
    for (path, sentence) in [
        ("/nowhere/run.html", "create its directory first"),
        ("/proc", "name a file in it"),
        ("/dev/full", "free some space, or choose another disk"),
    ] {
        let (_, error) = shown(&run(&mut replay(&file, &["-q", "--report", path])), 2);
        assert!(error.contains(path) && error.contains(sentence), "{error}");
    }
}
